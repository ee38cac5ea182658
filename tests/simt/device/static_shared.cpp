#include "device/static_shared.h"

#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "device/block.h"
#include "device/context.h"
#include "device/run.h"
#include "device/sanitizer.h"
#include "device/symbols.h"

namespace simt {

struct SharedScope {
  std::vector<const Symbol*> variables;
  const StaticShared* owner = nullptr;  // whose contents the variables have
  std::size_t bytes = 0;

  static SharedScope* find(SharedGuard& guard);
};

namespace {

// The names of a function's static variables are "_ZZ", the function, "E", and length and name of the variable.
constexpr std::string_view kGuardName = "simt_shared_guard_";
constexpr std::size_t kRedzone = 32;

bool is_guard(const Symbol& symbol) {
  return symbol.name.find(kGuardName) != std::string::npos;
}

std::string_view function_of_guard(std::string_view name) {
  const std::size_t variable = name.rfind(kGuardName);
  const std::size_t last = name.find_last_not_of("0123456789", variable - 1);
  return name.substr(0, last + 1);
}

bool is_shared_variable(const Symbol& symbol, std::string_view function, unsigned unit) {
  // What is in .bss is neither a constant nor __PRETTY_FUNCTION__.
  return symbol.zeroed && !is_guard(symbol) && symbol.unit == unit && symbol.name.starts_with(function) &&
         symbol.name.size() > function.size() && symbol.name[function.size()] >= '0' &&
         symbol.name[function.size()] <= '9';
}

// GCC puts no redzone behind the variables of templates and inline functions. The compiler emits a function's static
// variables in one sequence, so there the guard of the variable follows and serves as redzone.
bool protect(const Symbol& variable) {
  if (!SIMT_ASAN) return true;
  const auto end = variable.address + variable.bytes;
  const auto* behind = reinterpret_cast<const char*>((end + 7) / 8 * 8);
  if (is_poisoned(behind, kRedzone)) return true;
  const Symbol* next = symbol_behind(variable);
  if (next == nullptr || !is_guard(*next)) return false;
  const std::uintptr_t pointer = next->address + SharedGuard::kFrontBytes;
  poison(reinterpret_cast<const char*>(end), pointer - end);
  poison(reinterpret_cast<const char*>(pointer + sizeof(SharedScope*)), SharedGuard::kBackBytes);
  return true;
}

std::string no_redzone(const Symbol& variable) {
  return "no redzone behind the shared variable " + demangle(variable.name) +
         ": declare one variable in each statement, and compile with -ftoplevel-reorder";
}

}  // namespace

SharedScope* SharedScope::find(SharedGuard& guard) {
  static std::map<std::pair<std::string, unsigned>, SharedScope> scopes;
  const Symbol* own = symbol_at(&guard);
  if (own == nullptr) {
    note_fault("static shared memory cannot be found: the program has no symbol table");
    return nullptr;
  }
  const std::string_view function = function_of_guard(own->name);
  const auto [place, is_new] = scopes.try_emplace({std::string(function), own->unit});
  SharedScope& scope = place->second;
  if (is_new) {
    for (const Symbol& symbol : symbols()) {
      if (!is_shared_variable(symbol, function, own->unit)) continue;
      if (!protect(symbol)) {
        note_fault(no_redzone(symbol));
        scopes.erase(place);
        return nullptr;
      }
      scope.variables.push_back(&symbol);
      scope.bytes += symbol.bytes;
    }
  }
  guard.scope_ = &scope;
  return &scope;
}

void SharedGuard::enter() {
  require_kernel("__shared__");
  StaticShared& mine = context.block->static_shared;
  if (scope_ != nullptr && scope_->owner == &mine) return;
  SharedScope* scope = SharedScope::find(*this);
  if (scope == nullptr) stop_thread();
  if (scope->owner != &mine) mine.add(*scope);
  if (exceeds_shared_limit(*context.block)) stop_thread();
}

void StaticShared::add(SharedScope& scope) {
  for (const Symbol* variable : scope.variables) {
    std::memset(reinterpret_cast<void*>(variable->address), kUnwritten, variable->bytes);
  }
  scope.owner = this;
  scopes_.push_back(&scope);
  bytes_ += scope.bytes;
}

void StaticShared::clear() {
  for (SharedScope* scope : scopes_) scope->owner = nullptr;
  scopes_.clear();
  bytes_ = 0;
}

void StaticShared::save() {
  saved_.resize(bytes_);
  std::byte* to = saved_.data();
  for (SharedScope* scope : scopes_) {
    scope->owner = nullptr;
    for (const Symbol* variable : scope->variables) {
      std::memcpy(to, reinterpret_cast<const void*>(variable->address), variable->bytes);
      to += variable->bytes;
    }
  }
}

void StaticShared::restore() {
  const std::byte* from = saved_.data();
  for (SharedScope* scope : scopes_) {
    scope->owner = this;
    for (const Symbol* variable : scope->variables) {
      std::memcpy(reinterpret_cast<void*>(variable->address), from, variable->bytes);
      from += variable->bytes;
    }
  }
}

}  // namespace simt
