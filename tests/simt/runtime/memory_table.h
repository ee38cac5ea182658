#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace simt::detail {

enum class Place { pageable, pinned, device };

/// A live block of device memory or of pinned host memory.
struct Block {
  char* base = nullptr;
  std::size_t size = 0;
  Place place = Place::device;
  int device = 0;
  unsigned flags = 0;       ///< pinned: as given by the program
  bool registered = false;  ///< pinned: the program's own memory
  bool freeing = false;     ///< device: cudaFreeAsync is on its way
};

/// Every live block, by address.
class MemoryTable {
 public:
  MemoryTable() = default;
  MemoryTable(const MemoryTable&) = delete;
  MemoryTable& operator=(const MemoryTable&) = delete;
  ~MemoryTable() { clear(); }

  /// Exactly `size` bytes, aligned as on the device and filled with 0xFF (NaN), or null.
  void* allocate(std::size_t size, Place place, int device, unsigned flags);
  /// Pins the program's own memory.
  void add_registered(void* base, std::size_t size, int device, unsigned flags);
  /// `base` is the beginning of a live block.
  void release(void* base);
  void clear();

  /// The block that holds `address`, or null: then it is pageable memory, or nobody's.
  Block* find(const void* address);
  /// The block that begins at `base`, or null.
  Block* at(const void* base);
  /// Throws Fault unless the bytes lie within one live block. For work that runs now: what was checked when it was
  /// queued may have been freed since.
  void require(const void* address, std::size_t size, const std::string& what);

  std::size_t device_bytes(int device) const;
  std::size_t count(Place place) const;

  /// Lets queued work at device memory; see guard_device_memory.
  void open();
  void close();
  void set_guard(bool on);

 private:
  bool guarded() const { return guard_ && opened_ == 0; }
  void shut(const Block& block) const;
  void poison_all() const;
  void unpoison_all() const;

  std::map<std::uintptr_t, Block> blocks_;
  int opened_ = 0;
  bool guard_ = true;
};

/// Device memory is accessible while one of these lives.
class DeviceAccess {
 public:
  explicit DeviceAccess(MemoryTable& table) : table_(table) { table_.open(); }
  ~DeviceAccess() { table_.close(); }
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;

 private:
  MemoryTable& table_;
};

}  // namespace simt::detail
