#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// The symbol tables of the program and of the libraries that it was started with.
namespace simt {

struct Symbol {
  std::string name;  // mangled
  std::uintptr_t address = 0;
  std::size_t bytes = 0;
  bool function = false;
  bool zeroed = false;  // a variable in .bss
  unsigned unit = 0;    // of names that are local to a translation unit: which one
};

const std::vector<Symbol>& symbols();               // by address
const Symbol* symbol_at(const void* address);       // that begins there; null: there is none
const Symbol* symbol_behind(const Symbol& symbol);  // the next one in memory; null: there is none
std::string demangle(const std::string& name);      // as it is if it is not mangled
// The name of the function that begins at this address, without its parameters; "(unnamed)" if there is none.
std::string function_name(const void* address);

}  // namespace simt
