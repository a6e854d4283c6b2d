/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Behaviours out of a shared object: symbol "myc_behaviour_NAME", a const struct myc_behaviour.
 * A library stays loaded for the life of its process, since threads may run in it to the end.
 */
#ifndef MYC_RUNTIME_LIBRARY_H
#define MYC_RUNTIME_LIBRARY_H

#include "runtime/topology.h"

/* Loads the library of `process` and finds the behaviour of each of its actors, by slot.
 * -ENOENT: no such file or symbol; -EINVAL: it does not load. Runs the library's constructors. */
int myc_library_open(const struct myc_topology_process *process,
		     const struct myc_behaviour *behaviours[MYC_PROCESS_ACTORS_MAX],
		     struct myc_error *error);

#endif
