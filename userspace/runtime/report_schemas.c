/* SPDX-License-Identifier: Apache-2.0 */
/* Which schemas the processes of a system speak, and which of them do not go together, for `myc schemas`. */
#include <inttypes.h>

#include "protocol/schema.h"
#include "runtime/report.h"

/* False: that process has not come yet. */
static bool view_of(const struct myc_view *view, uint32_t process, struct myc_schemas_view *schemas)
{
	uint64_t size = 0;
	const struct myc_schemas *head =
		myc_region_block(&view->region[process], MYC_BLOCK_SCHEMAS, 0, &size);

	/* Acquire: the table. Pairs with myc_schemas_open. */
	return myc_schemas_view(schemas, head, size) &&
	       __atomic_load_n(&head->incarnation, __ATOMIC_ACQUIRE);
}

/* Of each pair, as the one that stands first in the topology sees it. */
static void each_disagreement(const struct myc_run *run, const struct myc_view *view,
			      void (*each)(struct myc_text *text, const char *one,
					   const char *other, const struct myc_error *error),
			      struct myc_text *text)
{
	struct myc_schemas_view here, there;
	struct myc_error error;

	for (uint32_t p = 0; p < view->processes; p++)
		for (uint32_t q = p + 1; q < view->processes; q++)
			if (view_of(view, p, &here) && view_of(view, q, &there) &&
			    myc_schemas_compare(&here, &there, &error))
				each(text, run->topology->process[p].name,
				     run->topology->process[q].name, &error);
}

static void tell(struct myc_text *text, const char *one, const char *other,
		 const struct myc_error *error)
{
	myc_text_add(text, "%s and %s do not go together: %s\n", one, other, error->cause);
}

static void tell_json(struct myc_text *text, const char *one, const char *other,
		      const struct myc_error *error)
{
	bool first = !text->size || text->bytes[text->size - 1] != '}';

	myc_text_add(text, "%s\n {\"here\": ", first ? "" : ",");
	myc_text_add_json(text, one);
	myc_text_add(text, ", \"there\": ");
	myc_text_add_json(text, other);
	myc_text_add(text, ", \"difference\": ");
	myc_text_add_json(text, error->cause);
	myc_text_add(text, "}");
}

void myc_report_schemas(const struct myc_run *run, const struct myc_view *view,
			struct myc_text *text)
{
	struct myc_schemas_view schemas;
	struct myc_schema_row row;
	bool any = false;

	for (uint32_t p = 0; p < view->processes; p++) {
		if (!view_of(view, p, &schemas))
			continue;
		for (uint32_t i = 0; i < schemas.rows; i++) {
			myc_schemas_row(&schemas, i, &row);
			myc_text_add(text, "%-16s schema %u (%s)  version %u  %016" PRIx64 "%s\n",
				     run->topology->process[p].name, row.id, row.name, row.version,
				     row.hash, row.items ? "" : "  (hash only)");
			any = true;
		}
	}
	if (!any)
		myc_text_add(text, "no process declares a schema\n");
	each_disagreement(run, view, tell, text);
}

void myc_report_schemas_json(const struct myc_run *run, const struct myc_view *view,
			     struct myc_text *text)
{
	struct myc_schemas_view schemas;
	struct myc_schema_row row;
	bool any = false;

	myc_text_add(text, "{\"schemas\": [");
	for (uint32_t p = 0; p < view->processes; p++) {
		if (!view_of(view, p, &schemas))
			continue;
		for (uint32_t i = 0; i < schemas.rows; i++, any = true) {
			myc_schemas_row(&schemas, i, &row);
			myc_text_add(text, "%s\n {\"process\": ", any ? "," : "");
			myc_text_add_json(text, run->topology->process[p].name);
			myc_text_add(text, ", \"schema\": %u, \"name\": ", row.id);
			myc_text_add_json(text, row.name);
			myc_text_add(text, ", \"version\": %u, \"hash\": \"%016" PRIx64 "\"}",
				     row.version, row.hash);
		}
	}
	myc_text_add(text, "],\n \"disagreements\": [");
	each_disagreement(run, view, tell_json, text);
	myc_text_add(text, "]}\n");
}
