#include "runtime/memory_table.h"

#include <cstdlib>
#include <cstring>

#include "device/launch.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) (static_cast<void>(address), static_cast<void>(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) (static_cast<void>(address), static_cast<void>(size))
#endif

namespace simt::detail {
namespace {

constexpr std::size_t kAlignment = 256;
constexpr int kNaNByte = 0xFF;

std::uintptr_t key(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address);
}

}  // namespace

void MemoryTable::clear() {
  while (!blocks_.empty()) release(blocks_.begin()->second.base);
}

void* MemoryTable::allocate(std::size_t size, Place place, int device, unsigned flags) {
  void* base = nullptr;
  if (posix_memalign(&base, kAlignment, size) != 0) return nullptr;
  std::memset(base, kNaNByte, size);
  Block block{.base = static_cast<char*>(base), .size = size, .place = place, .device = device, .flags = flags};
  blocks_.emplace(key(base), block);
  if (guarded()) shut(block);
  return base;
}

void MemoryTable::add_registered(void* base, std::size_t size, int device, unsigned flags) {
  Block block{.base = static_cast<char*>(base), .size = size, .place = Place::pinned, .device = device, .flags = flags};
  block.registered = true;
  blocks_.emplace(key(base), block);
}

void MemoryTable::release(void* base) {
  const Block block = blocks_.at(key(base));
  blocks_.erase(key(base));
  if (block.registered) return;
  ASAN_UNPOISON_MEMORY_REGION(block.base, block.size);
  std::free(block.base);
}

Block* MemoryTable::find(const void* address) {
  auto next = blocks_.upper_bound(key(address));
  if (next == blocks_.begin()) return nullptr;
  Block& block = std::prev(next)->second;
  return key(address) - key(block.base) < block.size ? &block : nullptr;
}

Block* MemoryTable::at(const void* base) {
  auto found = blocks_.find(key(base));
  return found == blocks_.end() ? nullptr : &found->second;
}

void MemoryTable::require(const void* address, std::size_t size, const std::string& what) {
  const Block* block = find(address);
  if (block == nullptr) throw Fault(what + " is not in live device or pinned memory: freed, or never allocated");
  const std::size_t left = block->size - (key(address) - key(block->base));
  if (size > left) {
    throw Fault(what + " takes " + std::to_string(size) + " bytes where its allocation has " + std::to_string(left) +
                " left");
  }
}

std::size_t MemoryTable::device_bytes(int device) const {
  std::size_t bytes = 0;
  for (const auto& [address, block] : blocks_) {
    if (block.place == Place::device && block.device == device) bytes += block.size;
  }
  return bytes;
}

std::size_t MemoryTable::count(Place place) const {
  std::size_t blocks = 0;
  for (const auto& [address, block] : blocks_) blocks += block.place == place ? 1 : 0;
  return blocks;
}

void MemoryTable::open() {
  if (guarded()) unpoison_all();
  ++opened_;
}

void MemoryTable::close() {
  --opened_;
  if (guarded()) poison_all();
}

void MemoryTable::set_guard(bool on) {
  if (on == guard_) return;
  guard_ = on;
  if (opened_ > 0) return;
  on ? poison_all() : unpoison_all();
}

void MemoryTable::shut(const Block& block) const {
  if (block.place == Place::device) ASAN_POISON_MEMORY_REGION(block.base, block.size);
}

void MemoryTable::poison_all() const {
  for (const auto& [address, block] : blocks_) shut(block);
}

void MemoryTable::unpoison_all() const {
  for (const auto& [address, block] : blocks_) {
    if (block.place == Place::device) ASAN_UNPOISON_MEMORY_REGION(block.base, block.size);
  }
}

}  // namespace simt::detail
