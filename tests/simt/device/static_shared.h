#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

// Variables declared __shared__ in a kernel or device function are static variables: blocks take turns, so one copy is
// enough. The macro puts a guard before each of them (keywords.h); at run time the guard finds its variables in the
// symbol table, as the variables of the same function (or instantiation) as its own, see static_shared.cpp.
namespace simt {

struct SharedScope;

class alignas(64) SharedGuard {
 public:
  // A guard is also the redzone behind a variable, all but the pointer in its middle.
  static constexpr std::size_t kFrontBytes = 24, kBackBytes = 32;

  constexpr SharedGuard() = default;
  // To be called by every thread before it uses the variables; the first one of a block finds them unwritten.
  void enter();

 private:
  friend struct SharedScope;
  char front_[kFrontBytes]{};
  SharedScope* scope_ = nullptr;
  char back_[kBackBytes]{};
};

// The static shared variables that a block uses.
class StaticShared {
 public:
  StaticShared() = default;
  ~StaticShared() { clear(); }
  StaticShared(const StaticShared&) = delete;
  StaticShared& operator=(const StaticShared&) = delete;

  std::size_t bytes() const { return bytes_; }
  void add(SharedScope& scope);
  void clear();
  // The variables get another block's contents, and their own back.
  void save();
  void restore();

 private:
  std::vector<SharedScope*> scopes_;
  std::vector<std::byte> saved_;
  std::size_t bytes_ = 0;
};

}  // namespace simt
