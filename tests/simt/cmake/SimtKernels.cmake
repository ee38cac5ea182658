# simt_settings(target): how the emulator and its tests are compiled.
function(simt_settings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion)
  if(SIMT_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(SIMT_SANITIZE)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=address,undefined
                                             -fno-sanitize-recover=all -fno-omit-frame-pointer>)
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
  endif()
  if(SIMT_COVERAGE)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:--coverage -fprofile-update=atomic>)
    target_link_options(${target} PUBLIC --coverage)
  endif()
endfunction()

# simt_add_kernels(target file.cu...): has these sources of the target compiled as C++ for the emulator.
function(simt_add_kernels target)
  foreach(file IN LISTS ARGN)
    cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
    # CMake itself adds `-x c++` for a language that the name does not tell. The order of a function's static variables
    # in memory, which their redzones rest on (device/static_shared.cpp), is another one without -ftoplevel-reorder.
    set_source_files_properties(${file} TARGET_DIRECTORY ${target}
                                PROPERTIES LANGUAGE CXX
                                           COMPILE_OPTIONS "-ftoplevel-reorder;-Wno-unknown-pragmas")
  endforeach()
  get_target_property(directory simt SOURCE_DIR)
  target_include_directories(${target} BEFORE PRIVATE ${directory}/include ${directory})
endfunction()
