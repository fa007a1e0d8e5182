# SPDX-License-Identifier: Apache-2.0
# Run at build time: writes the commit of the sources to OUTPUT, a C++ file. The file is touched only when that changes,
# so that other builds compile and link nothing for it.
# cmake -D SOURCE=… -D OUTPUT=… -P RecordCommit.cmake
set(commit unknown)
if(EXISTS ${SOURCE}/.git)
  execute_process(COMMAND git -C ${SOURCE} rev-parse --short=12 HEAD OUTPUT_VARIABLE head OUTPUT_STRIP_TRAILING_WHITESPACE
                  RESULT_VARIABLE code ERROR_QUIET)
  if(code EQUAL 0)
    set(commit ${head})
    execute_process(COMMAND git -C ${SOURCE} diff --quiet HEAD RESULT_VARIABLE changed ERROR_QUIET)
    if(NOT changed EQUAL 0)
      string(APPEND commit "+changes")
    endif()
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT
"// Written by cmake/RecordCommit.cmake.
#include \"version.h\"

const char* lucid::cli::commit() { return \"@commit@\"; }
" @ONLY)
