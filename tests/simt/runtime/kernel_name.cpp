#include "runtime/kernel_name.h"

#include <cxxabi.h>
#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <unordered_map>
#include <vector>

namespace simt::detail {
namespace {

template <typename T>
std::vector<T> read_table(std::ifstream& file, std::uint64_t offset, std::uint64_t bytes) {
  std::vector<T> table(bytes / sizeof(T));
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(reinterpret_cast<char*>(table.data()), static_cast<std::streamsize>(table.size() * sizeof(T)));
  return file ? table : std::vector<T>{};
}

/// Where the program was loaded: its symbols' values are relative to this.
std::uintptr_t load_address() {
  std::uintptr_t address = 0;
  const auto first = [](dl_phdr_info* info, std::size_t, void* out) {
    *static_cast<std::uintptr_t*>(out) = info->dlpi_addr;
    return 1;
  };
  dl_iterate_phdr(first, &address);
  return address;
}

std::string demangled(const char* symbol) {
  int status = 0;
  char* text = abi::__cxa_demangle(symbol, nullptr, nullptr, &status);
  const std::string name = status == 0 ? text : symbol;
  std::free(text);
  return name;
}

/// Cuts "void space::name<4>(float*, int)" down to "space::name<4>".
std::string without_signature(std::string name) {
  const std::string anonymous = "(anonymous namespace)::";
  for (auto at = name.find(anonymous); at != std::string::npos; at = name.find(anonymous)) {
    name.erase(at, anonymous.size());
  }
  name = name.substr(0, name.find('('));
  return name.starts_with("void ") ? name.substr(5) : name;
}

/// Every function of the program by its address.
std::unordered_map<std::uintptr_t, std::string> read_functions() {
  std::unordered_map<std::uintptr_t, std::string> functions;
  std::ifstream file("/proc/self/exe", std::ios::binary);
  const auto header = read_table<ElfW(Ehdr)>(file, 0, sizeof(ElfW(Ehdr)));
  if (header.empty()) return functions;
  const std::uintptr_t base = load_address();
  const auto sections = read_table<ElfW(Shdr)>(file, header[0].e_shoff, header[0].e_shnum * sizeof(ElfW(Shdr)));
  for (const auto& section : sections) {
    if (section.sh_type != SHT_SYMTAB || section.sh_link >= sections.size()) continue;
    const auto& strings = sections[section.sh_link];
    const auto names = read_table<char>(file, strings.sh_offset, strings.sh_size);
    for (const auto& symbol : read_table<ElfW(Sym)>(file, section.sh_offset, section.sh_size)) {
      if ((symbol.st_info & 0xF) != STT_FUNC || symbol.st_name >= names.size()) continue;
      functions.emplace(base + symbol.st_value, &names[symbol.st_name]);
    }
  }
  return functions;
}

}  // namespace

const char* kernel_name(const void* kernel) {
  static const auto functions = read_functions();
  static std::unordered_map<std::uintptr_t, std::string> names;
  const auto address = reinterpret_cast<std::uintptr_t>(kernel);
  const auto known = names.find(address);
  if (known != names.end()) return known->second.c_str();
  const auto found = functions.find(address);
  const std::string name = found == functions.end() ? "kernel" : without_signature(demangled(found->second.c_str()));
  return names.emplace(address, name).first->second.c_str();
}

}  // namespace simt::detail
