# What a package contains: programs, pages, units, an example of the options file, completions.
if(NOT TARGET acmec OR NOT TARGET acmec-net OR NOT TARGET acmec-responder)
    return()
endif()
install(TARGETS acmec RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS acmec-net acmec-responder RUNTIME DESTINATION ${CMAKE_INSTALL_LIBEXECDIR}/acmec)

foreach(section 1 5 7)
    file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/man/*.${section})
    install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

configure_file(${CMAKE_SOURCE_DIR}/scripts/systemd/acmec.service.in
               ${CMAKE_BINARY_DIR}/systemd/acmec.service @ONLY)
configure_file(${CMAKE_SOURCE_DIR}/scripts/systemd/acmec.timer
               ${CMAKE_BINARY_DIR}/systemd/acmec.timer COPYONLY)
install(FILES ${CMAKE_BINARY_DIR}/systemd/acmec.service ${CMAKE_BINARY_DIR}/systemd/acmec.timer
        DESTINATION lib/systemd/system)
install(FILES ${CMAKE_SOURCE_DIR}/scripts/systemd/acmec.sysusers
        DESTINATION lib/sysusers.d RENAME acmec.conf)

install(FILES ${CMAKE_SOURCE_DIR}/scripts/acmec.conf.example
        DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME acmec.conf)
install(FILES ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/CHANGELOG.md
              ${CMAKE_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Completions come from the program's own table of options.
install(CODE "
    function(acmec_completion shell file folder)
        execute_process(COMMAND ${CMAKE_BINARY_DIR}/acmec completion \${shell}
                        OUTPUT_FILE ${CMAKE_BINARY_DIR}/completion/\${file}
                        COMMAND_ERROR_IS_FATAL ANY)
        file(INSTALL ${CMAKE_BINARY_DIR}/completion/\${file}
             DESTINATION \${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/\${folder})
    endfunction()
    file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/completion)
    acmec_completion(bash acmec bash-completion/completions)
    acmec_completion(zsh _acmec zsh/site-functions)
    acmec_completion(fish acmec.fish fish/vendor_completions.d)
")
