/* SPDX-License-Identifier: Apache-2.0 */
/* Good schemas by chance: types of every kind, composites of composites, groups in groups, versions,
 * offsets, both byte orders, headers and dimensions of several shapes. */
#include <stdbool.h>

#include "sbe/random.h"

struct making {
	FILE *out;
	uint64_t state;
	unsigned types, ids, version;
	bool told;
};

static const char *const primitives[] = {"char",   "int8",  "uint8",  "int16", "uint16", "int32",
					 "uint32", "int64", "uint64", "float", "double"};

static unsigned upto(struct making *m, unsigned n)
{
	m->state ^= m->state >> 12;
	m->state ^= m->state << 25;
	m->state ^= m->state >> 27;
	return (unsigned)((m->state * 0x2545f4914f6cdd1dull >> 33) % n);
}

static void simple(struct making *m, const char *element, unsigned number)
{
	unsigned primitive = upto(m, 11), length = upto(m, 4) ? 1 : 2 + upto(m, 6);

	if (!upto(m, 6)) {
		fprintf(m->out,
			"<type name=\"%s%u\" primitiveType=\"%s\" "
			"presence=\"constant\">%s</type>\n",
			element, number, primitives[primitive], primitive == 0 ? "word" : "7");
		return;
	}
	fprintf(m->out, "<type name=\"%s%u\" primitiveType=\"%s\" length=\"%u\"", element, number,
		primitives[primitive], length);
	if (!upto(m, 3)) {
		fprintf(m->out, " presence=\"optional\"");
		if (upto(m, 2))
			fprintf(m->out, " nullValue=\"%u\"", 1 + upto(m, 100));
	}
	if (primitive == 0 && upto(m, 2))
		fprintf(m->out, " characterEncoding=\"UTF-8\"");
	fprintf(m->out, "/>\n");
}

static void values(struct making *m, const char *element, unsigned number)
{
	static const char *const widths[] = {"uint8", "uint16", "uint32", "uint64", "char"};
	bool set = upto(m, 2);
	unsigned width = upto(m, set ? 4 : 5), n = 1 + upto(m, 6);

	fprintf(m->out, "<%s name=\"%s%u\" encodingType=\"%s\">\n", set ? "set" : "enum", element,
		number, widths[width]);
	for (unsigned i = 0; i < n; i++) {
		if (set)
			fprintf(m->out, "<choice name=\"c%u\">%u</choice>\n", i, i);
		else if (width == 4)
			fprintf(m->out, "<validValue name=\"v%u\">%c</validValue>\n", i,
				'A' + (int)i);
		else
			fprintf(m->out, "<validValue name=\"v%u\">%u</validValue>\n", i, i * 37);
	}
	fprintf(m->out, "</%s>\n", set ? "set" : "enum");
}

static void composite(struct making *m, const char *element, unsigned number, int depth)
{
	unsigned n = 1 + upto(m, 4);

	fprintf(m->out, "<composite name=\"%s%u\">\n", element, number);
	for (unsigned i = 0; i < n; i++) {
		switch (upto(m, depth ? 3 : 4)) {
		case 0:
			fprintf(m->out, "<ref name=\"m%u\" type=\"t%u\"/>\n", i, upto(m, m->types));
			break;
		case 1:
			values(m, "m", i);
			break;
		case 3:
			composite(m, "m", i, depth + 1);
			break;
		default:
			simple(m, "m", i);
		}
	}
	fprintf(m->out, "</composite>\n");
}

static void type(struct making *m)
{
	unsigned kind = m->types ? upto(m, 4) : 0;

	if (kind == 3)
		composite(m, "t", m->types, 0);
	else if (kind == 2)
		values(m, "t", m->types);
	else
		simple(m, "t", m->types);
	m->types++;
}

static void since(struct making *m, unsigned *version)
{
	if (*version < m->version && !upto(m, 4))
		++*version;
	if (*version)
		fprintf(m->out, " sinceVersion=\"%u\"", *version);
}

static void block(struct making *m, int depth)
{
	unsigned fields = (depth ? 1 : 0) + upto(m, 5), version = 0;

	for (unsigned i = 0; i < fields; i++) {
		unsigned which = upto(m, m->types + 11);

		if (which < m->types)
			fprintf(m->out, "<field name=\"f%u\" id=\"%u\" type=\"t%u\"", m->ids,
				m->ids, which);
		else
			fprintf(m->out, "<field name=\"f%u\" id=\"%u\" type=\"%s\" presence=\"%s\"",
				m->ids, m->ids, primitives[which - m->types],
				upto(m, 2) ? "optional" : "required");
		m->ids++;
		since(m, &version);
		fprintf(m->out, "/>\n");
	}
	version = 0;
	for (unsigned i = depth < 3 ? upto(m, 3) : 0; i--;) {
		fprintf(m->out, "<group name=\"g%u\" id=\"%u\" dimensionType=\"%s\"", m->ids,
			m->ids, m->told || upto(m, 2) ? "groupSizeEncoding" : "small");
		m->ids++;
		since(m, &version);
		fprintf(m->out, ">\n");
		block(m, depth + 1);
		fprintf(m->out, "</group>\n");
	}
	version = 0;
	for (unsigned i = upto(m, 3); i--;) {
		fprintf(m->out, "<data name=\"d%u\" id=\"%u\" type=\"%s\"", m->ids, m->ids,
			upto(m, 2) ? "bytes" : "string");
		m->ids++;
		since(m, &version);
		fprintf(m->out, "/>\n");
	}
}

static void shapes(struct making *m)
{
	static const char *const lengths[] = {"uint8", "uint16", "uint32"};
	const char *parts = m->told ? "<type name=\"numGroups\" primitiveType=\"uint16\"/>"
				      "<type name=\"numVarDataFields\" primitiveType=\"uint16\"/>"
				    : "";

	fprintf(m->out,
		"<composite name=\"messageHeader\"><type name=\"blockLength\" "
		"primitiveType=\"%s\"/>"
		"<type name=\"templateId\" primitiveType=\"uint16\"/><type name=\"schemaId\" "
		"primitiveType=\"%s\"/>"
		"<type name=\"version\" primitiveType=\"uint16\"/>%s</composite>\n",
		upto(m, 2) ? "uint16" : "uint32", upto(m, 2) ? "uint16" : "uint64", parts);
	fprintf(m->out,
		"<composite name=\"groupSizeEncoding\"><type name=\"blockLength\" "
		"primitiveType=\"uint16\"/>"
		"<type name=\"numInGroup\" primitiveType=\"%s\"/>%s</composite>\n",
		upto(m, 2) ? "uint16" : "uint8", parts);
	fprintf(m->out,
		"<composite name=\"small\"><type name=\"numInGroup\" primitiveType=\"uint8\"/>"
		"<type name=\"blockLength\" primitiveType=\"uint32\" offset=\"3\"/></composite>\n");
	fprintf(m->out,
		"<composite name=\"bytes\"><type name=\"length\" primitiveType=\"%s\"/>"
		"<type name=\"varData\" primitiveType=\"uint8\" length=\"0\"/></composite>\n",
		lengths[upto(m, 3)]);
	fprintf(m->out, "<composite name=\"string\"><type name=\"length\" primitiveType=\"uint8\"/>"
			"<type name=\"varData\" primitiveType=\"char\" length=\"0\" "
			"characterEncoding=\"UTF-8\"/></composite>\n");
}

void random_schema(FILE *out, uint64_t seed)
{
	struct making m = {.out = out, .state = seed * 0x9e3779b97f4a7c15ull | 1, .ids = 1};
	unsigned messages;

	for (int i = 0; i < 8; i++)
		upto(&m, 2);
	m.version = upto(&m, 3);
	m.told = !upto(&m, 3);
	fprintf(out,
		"<messageSchema package=\"r%llu\" id=\"%u\" version=\"%u\" "
		"byteOrder=\"%s\">\n<types>\n",
		(unsigned long long)seed, 1 + upto(&m, 60000), m.version,
		upto(&m, 2) ? "bigEndian" : "littleEndian");
	shapes(&m);
	for (unsigned n = 3 + upto(&m, 8); n--;)
		type(&m);
	fprintf(out, "</types>\n");
	messages = 1 + upto(&m, 3);
	for (unsigned i = 0; i < messages; i++) {
		fprintf(out, "<message name=\"M%u\" id=\"%u\">\n", i, i + 1);
		block(&m, 0);
		fprintf(out, "</message>\n");
	}
	fprintf(out, "</messageSchema>\n");
}
