#pragma once

namespace simt::detail {

/// The kernel's name with its template arguments, from the program's own symbol table; "kernel" where that has been
/// stripped. Valid for ever.
const char* kernel_name(const void* kernel);

}  // namespace simt::detail
