# Installs the library with its headers so that find_package(lacuna) gives lacuna::lacuna.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/lacuna)

install(TARGETS lacuna EXPORT lacunaTargets)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/lacuna TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
install(EXPORT lacunaTargets NAMESPACE lacuna:: DESTINATION ${package_dir})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/lacunaConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/lacunaConfig.cmake INSTALL_DESTINATION ${package_dir})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/lacunaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lacunaConfig.cmake ${PROJECT_BINARY_DIR}/lacunaConfigVersion.cmake
        DESTINATION ${package_dir})
if(CUDNN_FOUND)
  install(FILES ${PROJECT_SOURCE_DIR}/cmake/FindCUDNN.cmake DESTINATION ${package_dir})
endif()
