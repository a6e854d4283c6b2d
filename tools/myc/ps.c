/* SPDX-License-Identifier: Apache-2.0 */
/* myc ps: the tree of one system or of all. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "myc/myc.h"
#include "runtime/control.h"

#define TIMEOUT_MS 10000

struct listing {
	bool json, all;
	unsigned shown;
	int code;
};

/* There is its run directory, and nobody behind it. */
static int silent(const char *name)
{
	fprintf(stderr,
		"myc: system '%s' does not answer: it is starting or ending, or it died (its next "
		"start removes what it left)\n",
		name);
	return 1;
}

static void show(void *context, const char *name)
{
	struct listing *listing = context;
	struct myc_text answer = {0};
	struct myc_error error;

	if (myc_query(name, listing->json ? "ps json" : "ps", TIMEOUT_MS, &answer, &error)) {
		listing->code =
			listing->all && error.code == -ENOENT ? silent(name) : myc_complain(&error);
	} else {
		fputs(myc_text_string(&answer), stdout);
		listing->shown++;
	}
	myc_text_free(&answer);
}

int myc_ps(int argc, char **argv)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
	struct listing listing = {0};
	char name[MYC_SYSTEM_NAME_MAX + 1];
	struct myc_error error;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'j')
			return myc_complain_usage();
		listing.json = true;
	}
	if (argc - optind > 1)
		return myc_complain_usage();
	if (argc - optind == 1) {
		if (myc_name_of(argv[optind], name, sizeof(name), &error))
			return myc_complain(&error);
		show(&listing, name);
		return listing.code;
	}
	listing.all = true;
	myc_run_dir_each(show, &listing);
	if (!listing.shown && !listing.code && !listing.json)
		printf("no system runs\n");
	return listing.code;
}
