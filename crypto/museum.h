// The bug museum: deliberate bugs that the simulator must find. MUSEUM_BUG(name) is a constant
// false in every build but the `museum` preset, where one bug at a time can be switched on.
#ifndef TIDEMARK_CRYPTO_MUSEUM_H_
#define TIDEMARK_CRYPTO_MUSEUM_H_

#ifdef TIDEMARK_MUSEUM
#include <string_view>
namespace tidemark {
// The bug on display; empty: none. Set by the simulator's main before anything runs, and for tests
// by tests/crypto/museum_display.cc.
inline std::string_view museum_bug_on_display;
inline bool IsOnDisplay(std::string_view bug) { return museum_bug_on_display == bug; }
}  // namespace tidemark
#define MUSEUM_BUG(bug) (::tidemark::IsOnDisplay(bug))
#else
#define MUSEUM_BUG(bug) false
#endif

#endif  // TIDEMARK_CRYPTO_MUSEUM_H_
