# Python reads our files: registered only where an interpreter has what it takes.
find_program(LACUNA_PYTHON python3 DOC "Python with torch, safetensors and numpy, for the tests that need them")
set(found 1)
if(LACUNA_PYTHON)
  execute_process(COMMAND ${LACUNA_PYTHON} -c "import torch, safetensors, numpy" RESULT_VARIABLE found
                  OUTPUT_QUIET ERROR_QUIET)
endif()
if(found EQUAL 0)
  add_executable(io_interop_files io_interop_files.cpp)
  target_link_libraries(io_interop_files PRIVATE lacuna::lacuna)
  lacuna_settings(io_interop_files)
  add_test(NAME python_interop
           COMMAND ${LACUNA_PYTHON} ${PROJECT_SOURCE_DIR}/tests/golden/python_interop.py
                   $<TARGET_FILE:io_interop_files>)
  set_tests_properties(python_interop PROPERTIES TIMEOUT 300)
else()
  message(STATUS "python_interop is not registered: no Python with torch, safetensors and numpy (set LACUNA_PYTHON)")
endif()
unset(found)
