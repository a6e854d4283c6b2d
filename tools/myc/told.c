/* SPDX-License-Identifier: Apache-2.0 */
/* What a system tells when it is asked, as text or JSON: myc letters (dead letters: how many for which reason, the newest
 * with who, what and why), myc schemas (which its processes speak, and which do not go together). */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "myc/myc.h"
#include "runtime/control.h"

#define TIMEOUT_MS 10000

static int told(int argc, char **argv, const char *as_text, const char *as_json)
{
	static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
	char name[MYC_SYSTEM_NAME_MAX + 1];
	struct myc_text answer = {0};
	struct myc_error error;
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'j')
			return myc_complain_usage();
		json = true;
	}
	if (argc - optind > 1)
		return myc_complain_usage();
	if (myc_name_of(argv[optind], name, sizeof(name), &error))
		return myc_complain(&error);
	if (myc_query(name, json ? as_json : as_text, TIMEOUT_MS, &answer, &error)) {
		myc_text_free(&answer);
		return myc_complain(&error);
	}
	fputs(myc_text_string(&answer), stdout);
	myc_text_free(&answer);
	return 0;
}

int myc_letters(int argc, char **argv)
{
	return told(argc, argv, "letters", "letters json");
}

int myc_schemas_of(int argc, char **argv)
{
	return told(argc, argv, "schemas", "schemas json");
}
