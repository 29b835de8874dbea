#include "tests/replicator/mutations.h"

#include <algorithm>

namespace tidemark {
namespace {

void ChangeOnce(std::vector<std::byte>* bytes, SeededNumbers* numbers) {
  size_t at = numbers->Below(bytes->size() + 1);
  size_t rest = bytes->size() - at;
  auto place = bytes->begin() + static_cast<ptrdiff_t>(at);
  switch (numbers->Below(6)) {
    case 0:  // another byte
      if (rest > 0) *place = static_cast<std::byte>(numbers->Next());
      break;
    case 1:  // one bit
      if (rest > 0) *place ^= std::byte{static_cast<unsigned char>(1u << numbers->Below(8))};
      break;
    case 2:  // a field at its edge
      std::fill_n(place, std::min<size_t>(rest, 1u << numbers->Below(4)),
                  numbers->Below(2) == 0 ? std::byte{0} : std::byte{0xff});
      break;
    case 3:  // a piece cut out
      bytes->erase(place,
                   place + static_cast<ptrdiff_t>(numbers->Below(std::min<size_t>(rest, 64) + 1)));
      break;
    case 4:  // a piece put in
      bytes->insert(place, numbers->Below(64), static_cast<std::byte>(numbers->Next()));
      break;
    default:  // a cut
      if (numbers->Below(4) == 0) bytes->resize(at);
      break;
  }
}

}  // namespace

std::vector<std::byte> Mutate(ByteSpan bytes, SeededNumbers* numbers) {
  std::vector<std::byte> changed(bytes.begin(), bytes.end());
  for (uint64_t times = 1 + numbers->Below(4); times > 0; --times) ChangeOnce(&changed, numbers);
  return changed;
}

}  // namespace tidemark
