// Memory that nothing needs any more goes back to the system.
//
// Law: costs time only; everything is where it was. Limits: a few milliseconds for each 100 MiB of heap, so it is for
// quiet moments.
#pragma once

namespace shell {

/// Free heap, and the pages of the program's own files that only its start has touched (symbol tables, relocations,
/// readers of settings and certificates): what is needed again comes from the page cache.
void give_back_memory();

}  // namespace shell
