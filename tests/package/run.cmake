# Installs this build into a scratch prefix, builds a program against it by find_package alone, and runs it.
# The program is copied away from the source tree, so that nothing of the build tree can be found by chance.
file(REMOVE_RECURSE ${SCRATCH})
file(MAKE_DIRECTORY ${SCRATCH}/source)
file(COPY ${SOURCE}/consumer.cpp DESTINATION ${SCRATCH}/source)
configure_file(${SOURCE}/consumer.cmake ${SCRATCH}/source/CMakeLists.txt COPYONLY)

function(step)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()
step(${CMAKE_COMMAND} --install ${BUILD} --prefix ${SCRATCH}/prefix --config ${CONFIG})
# The heavy headers stay private: a consumer must do without them.
step(${CMAKE_COMMAND} -S ${SCRATCH}/source -B ${SCRATCH}/build -G ${GENERATOR} -DCMAKE_BUILD_TYPE=${CONFIG}
     -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_PREFIX_PATH=${SCRATCH}/prefix
     -DCMAKE_DISABLE_FIND_PACKAGE_nlohmann_json=ON -DCMAKE_DISABLE_FIND_PACKAGE_CLI11=ON
     -DCMAKE_DISABLE_FIND_PACKAGE_tomlplusplus=ON)
step(${CMAKE_COMMAND} --build ${SCRATCH}/build --config ${CONFIG})
step(${SCRATCH}/build/consumer)
