// An agent.toml that is right; tests append to it, or change it.
#ifndef TIDEMARK_TESTS_AGENT_CLI_CONFIG_SAMPLE_H_
#define TIDEMARK_TESTS_AGENT_CLI_CONFIG_SAMPLE_H_

#include <string>

namespace tidemark {

inline const std::string kAgent = R"(name = "agent"
state = "state"
socket = "agent.sock"
key_file = "/etc/keys/kek.key"
authority = "ca.pem"
certificate = "agent.pem"
private_key = "agent.key"
[memory]
record_buffers = 16
[log]
level = "warn"
[[sites]]
name = "a"
role = "primary"
address = "10.0.0.1:7000"
[[sites]]
name = "b"
role = "primary"
address = "10.0.0.2:7000"
[[sites]]
name = "w"
role = "witness"
address = "[fd00::3]:7000"
[[vaults]]
name = "default"
id = "000102030405060708090a0b0c0d0e0f"
compression = false
)";

}  // namespace tidemark
#endif  // TIDEMARK_TESTS_AGENT_CLI_CONFIG_SAMPLE_H_
