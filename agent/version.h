// What this binary calls itself on the wire, in logs and to `tidemark version`.
#ifndef TIDEMARK_AGENT_VERSION_H_
#define TIDEMARK_AGENT_VERSION_H_

namespace tidemark {
inline constexpr char kSoftwareVersion[] = "tidemark 0.1.0";
}  // namespace tidemark
#endif  // TIDEMARK_AGENT_VERSION_H_
