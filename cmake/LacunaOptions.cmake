# Compiler settings for this project's own targets: lacuna_settings(target).
function(lacuna_settings target)
  set(cxx $<COMPILE_LANGUAGE:CXX>)
  set(cuda $<COMPILE_LANGUAGE:CUDA>)
  target_compile_options(
    ${target} PRIVATE "$<${cxx}:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wno-sign-conversion>"
                      "$<${cuda}:-Xcompiler=-Wall,-Wextra,-Wshadow>")
  if(LACUNA_WERROR)
    target_compile_options(${target} PRIVATE $<${cxx}:-Werror> "$<${cuda}:--Werror=all-warnings;-Xcompiler=-Werror>")
  endif()
  if(LACUNA_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=address,undefined -fno-sanitize-recover=all
                                             -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=address,undefined)
  endif()
  if(LACUNA_COVERAGE)
    target_compile_options(${target} PRIVATE --coverage -fprofile-update=atomic)
    target_link_options(${target} PUBLIC --coverage)
  endif()
endfunction()
