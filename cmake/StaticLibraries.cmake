# For LACUNA_STATIC: programs that run where nothing but libc and the CUDA libraries is installed. While the dependencies
# are looked up only archives are found.
set(usual_suffixes ${CMAKE_FIND_LIBRARY_SUFFIXES})
set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
set(OPENSSL_USE_STATIC_LIBS ON)

# Debian has no archives of these two; their headers suffice.
function(header_only target header)
  string(MAKE_C_IDENTIFIER ${target}_INCLUDE_DIR directory)
  find_path(${directory} ${header} REQUIRED)
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  target_include_directories(${target} SYSTEM INTERFACE ${${directory}})
  target_compile_definitions(${target} INTERFACE ${ARGN})
endfunction()
header_only(fmt::fmt fmt/format.h FMT_HEADER_ONLY=1)
header_only(tomlplusplus::tomlplusplus toml++/toml.h)

# Nor one of Google Benchmark: it goes into lib/, where the benchmarks find it, with the libstdc++ that they then share.
function(collect_benchmark)
  get_target_property(location benchmark::benchmark LOCATION)
  get_target_property(soname benchmark::benchmark IMPORTED_SONAME_NONE)
  file(COPY_FILE ${location} ${PROJECT_BINARY_DIR}/lib/${soname} ONLY_IF_DIFFERENT)
  foreach(name libstdc++.so.6 libgcc_s.so.1)
    execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=${name} OUTPUT_VARIABLE file
                    OUTPUT_STRIP_TRAILING_WHITESPACE)
    file(COPY_FILE ${file} ${PROJECT_BINARY_DIR}/lib/${name} ONLY_IF_DIFFERENT)
  endforeach()
endfunction()

macro(finish_static_libraries)
  set(CMAKE_FIND_LIBRARY_SUFFIXES ${usual_suffixes})
  if(LACUNA_BUILD_BENCH)
    get_target_property(LACUNA_BENCHMARK_TYPE benchmark::benchmark TYPE)
    if(LACUNA_BENCHMARK_TYPE STREQUAL SHARED_LIBRARY)
      file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
      collect_benchmark()
    endif()
  endif()
endmacro()

# To be called after the target's libraries are known.
function(link_statically target)
  # No path of this machine in the programs.
  set_target_properties(${target} PROPERTIES BUILD_WITH_INSTALL_RPATH ON)
  get_target_property(libraries ${target} LINK_LIBRARIES)
  if("benchmark::benchmark" IN_LIST libraries AND LACUNA_BENCHMARK_TYPE STREQUAL SHARED_LIBRARY)
    set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/../lib")
  else()
    target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc)
  endif()
endfunction()
