# What is installed: the library, its public headers, gdb's printers, and what find_package(floe) reads.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/floe)

install(TARGETS floe EXPORT floeTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT floeTargets NAMESPACE floe:: DESTINATION ${package_folder})
install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/floe DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN *.h PATTERN backend/cpu EXCLUDE PATTERN backend/cuda EXCLUDE PATTERN ops/pointwise_op.h EXCLUDE)
install(FILES ${CMAKE_CURRENT_SOURCE_DIR}/gdb/floe.py DESTINATION ${CMAKE_INSTALL_DATADIR}/floe)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/floeConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/floeConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/floeConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/floeConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/floeConfigVersion.cmake
              ${CMAKE_CURRENT_LIST_DIR}/FindOneDNN.cmake DESTINATION ${package_folder})
