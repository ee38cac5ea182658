#include "device/symbols.h"

#include <cxxabi.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace simt {
namespace {

// A file mapped for reading; empty if it cannot be.
class MappedFile {
 public:
  explicit MappedFile(const char* path) {
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    struct stat status {};
    if (fstat(file, &status) == 0 && status.st_size > 0) {
      bytes_ = static_cast<std::size_t>(status.st_size);
      void* mapping = mmap(nullptr, bytes_, PROT_READ, MAP_PRIVATE, file, 0);
      if (mapping != MAP_FAILED) data_ = static_cast<const char*>(mapping);
    }
    close(file);
  }
  ~MappedFile() {
    if (data_ != nullptr) munmap(const_cast<char*>(data_), bytes_);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  // Null where the file does not hold that many elements.
  template <class T>
  const T* at(std::uint64_t offset, std::uint64_t count = 1) const {
    if (data_ == nullptr || offset > bytes_ || count > (bytes_ - offset) / sizeof(T)) return nullptr;
    return reinterpret_cast<const T*>(data_ + offset);
  }

 private:
  const char* data_ = nullptr;
  std::size_t bytes_ = 0;
};

void append_table(const MappedFile& file, const Elf64_Shdr* sections, unsigned count, const Elf64_Shdr& table,
                  std::uintptr_t bias, std::vector<Symbol>& into) {
  if (table.sh_link >= count) return;
  const Elf64_Shdr& strings = sections[table.sh_link];
  const std::uint64_t entries = table.sh_size / sizeof(Elf64_Sym);
  const auto* entry = file.at<Elf64_Sym>(table.sh_offset, entries);
  const auto* text = file.at<char>(strings.sh_offset, strings.sh_size);
  if (entry == nullptr || text == nullptr) return;
  unsigned unit = 0;
  for (std::uint64_t i = 0; i < entries; ++i) {
    const auto type = ELF64_ST_TYPE(entry[i].st_info);
    const auto section = entry[i].st_shndx;
    if (type == STT_FILE) ++unit;  // stands before the local names of its translation unit
    if ((type != STT_OBJECT && type != STT_FUNC) || section == SHN_UNDEF || section >= count) continue;
    into.push_back({.name = text + entry[i].st_name,
                    .address = bias + entry[i].st_value,
                    .bytes = entry[i].st_size,
                    .function = type == STT_FUNC,
                    .zeroed = sections[section].sh_type == SHT_NOBITS,
                    .unit = ELF64_ST_BIND(entry[i].st_info) == STB_LOCAL ? unit : 0});
  }
}

int append_object(dl_phdr_info* object, std::size_t, void* into) {
  const bool is_program = object->dlpi_name == nullptr || *object->dlpi_name == '\0';
  const MappedFile file(is_program ? "/proc/self/exe" : object->dlpi_name);
  const auto* header = file.at<Elf64_Ehdr>(0);
  if (header == nullptr) return 0;
  const auto* sections = file.at<Elf64_Shdr>(header->e_shoff, header->e_shnum);
  if (sections == nullptr) return 0;
  for (unsigned i = 0; i < header->e_shnum; ++i) {
    if (sections[i].sh_type != SHT_SYMTAB) continue;
    append_table(file, sections, header->e_shnum, sections[i], object->dlpi_addr,
                 *static_cast<std::vector<Symbol>*>(into));
  }
  return 0;
}

std::vector<Symbol> load() {
  std::vector<Symbol> loaded;
  dl_iterate_phdr(append_object, &loaded);
  std::sort(loaded.begin(), loaded.end(), [](const Symbol& a, const Symbol& b) { return a.address < b.address; });
  return loaded;
}

}  // namespace

const std::vector<Symbol>& symbols() {
  static const std::vector<Symbol> all = load();
  return all;
}

const Symbol* symbol_at(const void* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  const auto& all = symbols();
  const auto found = std::lower_bound(all.begin(), all.end(), wanted,
                                      [](const Symbol& symbol, std::uintptr_t key) { return symbol.address < key; });
  return found != all.end() && found->address == wanted ? &*found : nullptr;
}

const Symbol* symbol_behind(const Symbol& symbol) {
  const auto& all = symbols();
  const auto found = std::upper_bound(all.begin(), all.end(), symbol.address,
                                      [](std::uintptr_t key, const Symbol& other) { return key < other.address; });
  return found != all.end() ? &*found : nullptr;
}

std::string demangle(const std::string& name) {
  const std::unique_ptr<char, decltype(&std::free)> readable(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, nullptr), &std::free);
  return readable ? readable.get() : name;
}

std::string function_name(const void* address) {
  const Symbol* symbol = symbol_at(address);
  if (symbol == nullptr) return "(unnamed)";
  std::string name = demangle(symbol->name);
  constexpr std::string_view kUnnamed = "(anonymous namespace)::";
  for (auto at = name.find(kUnnamed); at != std::string::npos; at = name.find(kUnnamed)) {
    name.erase(at, kUnnamed.size());
  }
  // A template's demangled name begins with the type that it returns, and a kernel returns nothing.
  if (name.starts_with("void ")) name.erase(0, 5);
  return name.substr(0, name.find('('));
}

}  // namespace simt
