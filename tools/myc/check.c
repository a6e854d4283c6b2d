/* SPDX-License-Identifier: Apache-2.0 */
/* myc check: is the topology right? Starts nothing, needs no privilege. */
#include <getopt.h>
#include <stdio.h>

#include "myc/myc.h"

int myc_check(int argc, char **argv)
{
	static const struct option options[] = {
		{"kind", required_argument, NULL, 'k'},
		{"set", required_argument, NULL, 's'},
		{0},
	};
	struct myc_topology_args args = {0};
	struct myc_topology *topology;
	struct myc_layout *layout;
	struct myc_error error;
	uint32_t actors = 0;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'k')
			args.kind = optarg;
		else if (option != 's')
			return myc_complain_usage();
		else if (myc_args_set(&args, optarg, &error))
			return myc_complain(&error);
	}
	if (optind + 1 != argc)
		return myc_complain_usage();
	args.path = argv[optind];
	if (myc_args_load(&args, &topology, &layout, &error))
		return myc_complain(&error);
	for (uint32_t p = 0; p < topology->processes; p++)
		actors += topology->process[p].actors;
	printf("%s: system %s, %u processes, %u actors, %u of them fed: right\n", args.path,
	       topology->system, topology->processes, actors, topology->endpoints);
	myc_layout_free(layout);
	myc_topology_free(topology);
	return 0;
}
