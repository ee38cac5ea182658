#include "lacuna/error.h"

#include <fmt/format.h>

namespace lacuna::detail {

void contract_failed(const char* condition, const char* file, int line, const std::string& message) {
  throw ContractError(fmt::format("{} ({} is false at {}:{})", message, condition, file, line));
}

}  // namespace lacuna::detail
