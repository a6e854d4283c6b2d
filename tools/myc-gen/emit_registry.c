/* SPDX-License-Identifier: Apache-2.0 */
/* What the registry of schemas (mycelium/schema.h) compares beyond the fields: how what frames them lies. */
#include "myc-gen/emit.h"

char *shape_of(struct gen_emit *e, const struct gen_type *composite)
{
	char *shape = text(e, "%s", "");

	for (const struct gen_type *member = composite->members; member; member = member->next) {
		const struct gen_type *type = gen_target(member);
		const char *before = *shape ? " " : "";

		if (type->presence == GEN_CONSTANT)
			shape = text(e, "%s%s%s=%s", shape, before, member->name,
				     type->constant.text ? type->constant.text : "");
		else
			shape = text(e, "%s%s%s:%s@%u", shape, before, member->name,
				     gen_primitive_names[type->primitive], member->at);
	}
	return shape;
}
