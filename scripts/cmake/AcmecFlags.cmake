# Compiler and linker flags of every target.
option(ACMEC_WERROR "warnings are errors" OFF)
option(ACMEC_SANITIZE "AddressSanitizer and UBSan" OFF)
option(ACMEC_FUZZ "libFuzzer binaries (clang only)" OFF)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

file(RELATIVE_PATH ACMEC_LIBEXEC_FROM_BIN ${CMAKE_INSTALL_FULL_BINDIR}
     ${CMAKE_INSTALL_FULL_LIBEXECDIR}/acmec)
add_compile_definitions(_GNU_SOURCE ACMEC_VERSION="${PROJECT_VERSION}"
                        ACMEC_LIBEXEC_FROM_BIN="${ACMEC_LIBEXEC_FROM_BIN}")
add_compile_options(-Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wswitch-enum
                    -Wformat=2 -Wmissing-prototypes -fno-common -fstack-protector-strong)
if(ACMEC_WERROR)
    add_compile_options(-Werror)
endif()
if(ACMEC_SANITIZE)
    add_compile_definitions(ACMEC_SANITIZED)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all
                        -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
else()
    add_compile_options($<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>
                        $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
    add_link_options(-pie -Wl,-z,relro,-z,now)
endif()
if(ACMEC_FUZZ)
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
# A program loads only the libraries it calls: the keeper's start time depends on it.
add_link_options(-Wl,--as-needed)
