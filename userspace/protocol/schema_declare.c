/* SPDX-License-Identifier: Apache-2.0 */
/* What this process declares, whichever system it opens. */
#include "protocol/schema.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static const struct myc_sbe_schema_info *declared[MYC_SCHEMAS_MAX];
static uint32_t count;

int myc_schema_declare(const struct myc_sbe_schema_info *schema)
{
	int err = 0;

	pthread_mutex_lock(&mutex);
	for (uint32_t i = 0; i < count && schema; i++)
		if (declared[i] == schema)
			schema = NULL;
	if (schema && count < MYC_SCHEMAS_MAX)
		declared[count++] = schema;
	else if (schema)
		err = -ENOSPC;
	pthread_mutex_unlock(&mutex);
	return err;
}

uint32_t myc_schemas_declared(const struct myc_sbe_schema_info *schemas[MYC_SCHEMAS_MAX])
{
	pthread_mutex_lock(&mutex);
	uint32_t n = count;

	for (uint32_t i = 0; i < n; i++)
		schemas[i] = declared[i];
	pthread_mutex_unlock(&mutex);
	return n;
}

int myc_schema_compare(const struct myc_sbe_schema_info *here,
		       const struct myc_sbe_schema_info *there, struct myc_error *error)
{
	struct myc_schemas *table[2] = {calloc(1, MYC_SCHEMAS_ROOM), calloc(1, MYC_SCHEMAS_ROOM)};
	struct myc_schemas_view view[2];
	int err = 0;

	if (!table[0] || !table[1])
		err = myc_error_set(error, -ENOMEM, NULL, "no memory to compare schemas");
	if (!err) {
		(void)myc_schemas_write(table[0], MYC_SCHEMAS_ROOM, &here, 1);
		(void)myc_schemas_write(table[1], MYC_SCHEMAS_ROOM, &there, 1);
		if (myc_schemas_view(&view[0], table[0], MYC_SCHEMAS_ROOM) &&
		    myc_schemas_view(&view[1], table[1], MYC_SCHEMAS_ROOM))
			err = myc_schemas_compare(&view[0], &view[1], error);
	}
	free(table[0]);
	free(table[1]);
	return err;
}
