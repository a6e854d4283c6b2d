/* SPDX-License-Identifier: Apache-2.0 */
/* XML to the model: which elements and attributes there are, names, numbers. What needs to know
 * another element is bind.c's. XInclude is followed for files, never over a network. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libxml/parser.h>
#include <libxml/uri.h>
#include <libxml/xinclude.h>

#include "myc-gen/model.h"

#define NAME_MAX_LENGTH 64

struct reading {
	struct gen_schema *schema;
	xmlDoc *doc;
};

static char *kept(struct gen_schema *schema, xmlChar *text)
{
	char *copy = text ? gen_format(schema->arena, "%s", (const char *)text) : NULL;

	xmlFree(text);
	return copy;
}

static bool is(const xmlNode *node, const char *name)
{
	return !strcmp((const char *)node->name, name);
}

/* ---- attributes ---------------------------------------------------------------------------- */

static const char *attribute(struct reading *r, xmlNode *node, const char *name)
{
	return kept(r->schema, xmlGetNoNsProp(node, (const xmlChar *)name));
}

static struct gen_where where(struct reading *r, xmlNode *node)
{
	char *base = kept(r->schema, xmlNodeGetBase(r->doc, node));
	char *path = base ? xmlURIUnescapeString(base, 0, NULL) : NULL;
	struct gen_where result = {
		.file = path ? gen_format(r->schema->arena, "%s", path) : r->schema->where.file,
		.line = xmlGetLineNo(node),
		.element = gen_format(r->schema->arena, "%s", (const char *)node->name),
		.name = attribute(r, node, "name"),
	};

	xmlFree(path);
	return result;
}

/* Warns of attributes that the element does not have: a misspelt one would be passed over. */
static void known(struct reading *r, xmlNode *node, const struct gen_where *at, const char *names)
{
	for (const xmlAttr *a = node->properties; a; a = a->next) {
		const char *name = (const char *)a->name, *found = names;
		size_t length = strlen(name);

		if (a->ns)
			continue;
		while ((found = strstr(found, name)) && !((found == names || found[-1] == ' ') &&
							  (found[length] == ' ' || !found[length])))
			found++;
		if (!found)
			gen_warning(r->schema, at, name, NULL,
				    "the standard has no such attribute here, it is passed over; "
				    "known: %s",
				    names);
	}
}

static uint32_t number(struct reading *r, xmlNode *node, const struct gen_where *at,
		       const char *name, uint32_t limit, uint32_t otherwise)
{
	const char *text = attribute(r, node, name);
	char *end;

	if (!text)
		return otherwise;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || value > limit) {
		gen_error(r->schema, at, name, text, "not a whole number from 0 to %u; write one",
			  limit);
		return otherwise;
	}
	return (uint32_t)value;
}

static uint32_t required_number(struct reading *r, xmlNode *node, const struct gen_where *at,
				const char *name, uint32_t limit)
{
	xmlAttr *there = xmlHasProp(node, (const xmlChar *)name);

	if (!there)
		gen_error(r->schema, at, name, NULL, "missing; give a number from 0 to %u", limit);
	return number(r, node, at, name, limit, 0);
}

static const char *required_text(struct reading *r, xmlNode *node, const struct gen_where *at,
				 const char *name)
{
	const char *text = attribute(r, node, name);

	if (text && *text)
		return text;
	gen_error(r->schema, at, name, text, "missing; every <%s> needs it", at->element);
	return "?";
}

static const char *symbol(struct reading *r, xmlNode *node, const struct gen_where *at)
{
	const char *name = required_text(r, node, at, "name");
	size_t length =
		strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	if (*name == '?' ||
	    (!name[length] && !isdigit((unsigned char)*name) && length <= NAME_MAX_LENGTH))
		return name;
	gen_error(r->schema, at, "name", name,
		  "not a symbolic name; use letters, digits and _, not a digit first, at most %d "
		  "of them",
		  NAME_MAX_LENGTH);
	return name;
}

static enum gen_presence presence(struct reading *r, xmlNode *node, const struct gen_where *at)
{
	const char *text = attribute(r, node, "presence");

	if (!text)
		return GEN_UNSAID;
	if (!strcmp(text, "required"))
		return GEN_REQUIRED;
	if (!strcmp(text, "optional"))
		return GEN_OPTIONAL;
	if (!strcmp(text, "constant"))
		return GEN_CONSTANT;
	gen_error(r->schema, at, "presence", text,
		  "not a presence; write required, optional or constant");
	return GEN_UNSAID;
}

static void version(struct reading *r, xmlNode *node, const struct gen_where *at, uint32_t *since,
		    uint32_t *deprecated)
{
	const char *names[] = {"sinceVersion", "deprecated"};
	uint32_t *values[] = {since, deprecated};

	*since = number(r, node, at, "sinceVersion", 0xfffffffe, 0);
	*deprecated = number(r, node, at, "deprecated", 0xfffffffe, GEN_NONE);
	for (int i = 0; i < 2; i++) {
		if (*values[i] != GEN_NONE && *values[i] > r->schema->version)
			gen_error(r->schema, at, names[i], attribute(r, node, names[i]),
				  "later than the schema's version %u; raise version or mend it",
				  r->schema->version);
	}
	if (*deprecated != GEN_NONE && *deprecated < *since)
		gen_error(r->schema, at, "deprecated", attribute(r, node, "deprecated"),
			  "before its sinceVersion %u; deprecated comes later", *since);
}

/* The text of an element without the blanks around it; NULL = none. One blank alone is a character. */
static const char *content(struct reading *r, xmlNode *node)
{
	char *text = kept(r->schema, xmlNodeGetContent(node));

	if (!text || !strcmp(text, " "))
		return text;
	text += strspn(text, " \t\r\n");
	size_t length = strlen(text);
	while (length && isspace((unsigned char)text[length - 1]))
		text[--length] = 0;
	return length ? text : NULL;
}

/* The next element from node on; anything else but blanks and comments is an error. */
static xmlNode *element(struct reading *r, xmlNode *node, const struct gen_where *parent)
{
	for (; node; node = node->next) {
		if (node->type == XML_ELEMENT_NODE)
			return node;
		if ((node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) &&
		    !xmlIsBlankNode(node))
			gen_error(r->schema, parent, NULL, NULL,
				  "has text between its elements; remove it");
	}
	return NULL;
}

static void unexpected(struct reading *r, xmlNode *node, const char *wanted)
{
	struct gen_where at = where(r, node);

	gen_error(r->schema, &at, NULL, NULL, "no such element here; allowed: %s", wanted);
}

/* ---- encodings ----------------------------------------------------------------------------- */

static struct gen_type *encoding(struct reading *r, xmlNode *node, bool member);

static void read_simple(struct reading *r, xmlNode *node, struct gen_type *type)
{
	const char *primitive = required_text(r, node, &type->where, "primitiveType");
	int found = gen_primitive_named(primitive);

	known(r, node, &type->where,
	      "name description presence nullValue minValue maxValue length offset primitiveType "
	      "semanticType sinceVersion deprecated characterEncoding valueRef timeUnit epoch");
	if (found < 0 && *primitive != '?')
		gen_error(r->schema, &type->where, "primitiveType", primitive,
			  "not a primitive type; write char, int8 to int64, uint8 to uint64, float "
			  "or double");
	type->primitive = found < 0 ? GEN_UINT8 : (enum gen_primitive)found;
	type->length_given = xmlHasProp(node, (const xmlChar *)"length");
	type->length = number(r, node, &type->where, "length", 0xffff, 1);
	type->null.text = attribute(r, node, "nullValue");
	type->min.text = attribute(r, node, "minValue");
	type->max.text = attribute(r, node, "maxValue");
	type->constant.text = content(r, node);
}

static void read_values(struct reading *r, xmlNode *node, struct gen_type *type)
{
	const char *name = type->kind == GEN_ENUM ? "validValue" : "choice";
	struct gen_value **last = &type->values;

	known(r, node, &type->where,
	      "name description encodingType semanticType sinceVersion deprecated offset presence "
	      "nullValue");
	type->encoding = required_text(r, node, &type->where, "encodingType");
	type->null.text = attribute(r, node, "nullValue");
	for (xmlNode *child = node->children; (child = element(r, child, &type->where));
	     child = child->next) {
		if (!is(child, name)) {
			unexpected(r, child, name);
			continue;
		}
		struct gen_value *value = gen_alloc(r->schema->arena, sizeof(*value));
		value->where = where(r, child);
		known(r, child, &value->where, "name description sinceVersion deprecated");
		value->name = symbol(r, child, &value->where);
		value->description = attribute(r, child, "description");
		value->text = content(r, child);
		version(r, child, &value->where, &value->since, &value->deprecated);
		*last = value;
		last = &value->next;
	}
}

static void read_members(struct reading *r, xmlNode *node, struct gen_type *type)
{
	struct gen_type **last = &type->members;

	known(r, node, &type->where,
	      "name description offset semanticType sinceVersion deprecated");
	for (xmlNode *child = node->children; (child = element(r, child, &type->where));
	     child = child->next) {
		struct gen_type *member = encoding(r, child, true);

		if (!member)
			continue;
		*last = member;
		last = &member->next;
	}
}

static struct gen_type *encoding(struct reading *r, xmlNode *node, bool member)
{
	static const char *const names[] = {"type", "enum", "set", "composite", "ref"};
	int kind = 0;

	while (kind < GEN_REF + member && !is(node, names[kind]))
		kind++;
	if (kind == GEN_REF + member) {
		unexpected(r, node,
			   member ? "type, enum, set, composite, ref"
				  : "type, enum, set, composite");
		return NULL;
	}
	struct gen_type *type = gen_alloc(r->schema->arena, sizeof(*type));
	type->where = where(r, node);
	type->kind = (enum gen_kind)kind;
	type->name = symbol(r, node, &type->where);
	type->description = attribute(r, node, "description");
	type->semantic_type = attribute(r, node, "semanticType");
	type->character_encoding = attribute(r, node, "characterEncoding");
	type->time_unit = attribute(r, node, "timeUnit");
	type->epoch = attribute(r, node, "epoch");
	type->value_ref = attribute(r, node, "valueRef");
	type->presence = presence(r, node, &type->where);
	type->offset = number(r, node, &type->where, "offset", 0xffff, GEN_NONE);
	type->length = 1;
	version(r, node, &type->where, &type->since, &type->deprecated);
	if (type->offset != GEN_NONE && !member)
		gen_error(r->schema, &type->where, "offset", attribute(r, node, "offset"),
			  "only a member of a composite has an offset; give it to the field");
	if (kind == GEN_TYPE) {
		read_simple(r, node, type);
	} else if (kind == GEN_COMPOSITE) {
		read_members(r, node, type);
	} else if (kind == GEN_REF) {
		known(r, node, &type->where,
		      "name description type offset semanticType sinceVersion deprecated");
		type->encoding = required_text(r, node, &type->where, "type");
	} else {
		read_values(r, node, type);
	}
	return type;
}

static void read_types(struct reading *r, xmlNode *node)
{
	struct gen_type **last = &r->schema->types;
	struct gen_where at = where(r, node);

	while (*last)
		last = &(*last)->next;
	for (xmlNode *child = node->children; (child = element(r, child, &at));
	     child = child->next) {
		if (is(child, "types")) { /* included into a <types> */
			read_types(r, child);
		} else {
			*last = encoding(r, child, false);
		}
		while (*last)
			last = &(*last)->next;
	}
}

/* ---- messages ------------------------------------------------------------------------------ */

static struct gen_field *read_field(struct reading *r, xmlNode *node)
{
	struct gen_field *field = gen_alloc(r->schema->arena, sizeof(*field));

	field->where = where(r, node);
	known(r, node, &field->where,
	      "name id type description offset presence valueRef semanticType sinceVersion "
	      "deprecated timeUnit epoch");
	field->name = symbol(r, node, &field->where);
	field->id = required_number(r, node, &field->where, "id", 0xffff);
	field->type_name = required_text(r, node, &field->where, "type");
	field->description = attribute(r, node, "description");
	field->semantic_type = attribute(r, node, "semanticType");
	field->time_unit = attribute(r, node, "timeUnit");
	field->epoch = attribute(r, node, "epoch");
	field->value_ref = attribute(r, node, "valueRef");
	field->presence = presence(r, node, &field->where);
	field->offset = number(r, node, &field->where, "offset", 0xffff, GEN_NONE);
	version(r, node, &field->where, &field->since, &field->deprecated);
	return field;
}

#define DEPTH_MAX 16

static struct gen_block *read_block(struct reading *r, xmlNode *node, struct gen_block *parent,
				    int depth)
{
	struct gen_block *block = gen_alloc(r->schema->arena, sizeof(*block)),
			 **group = &block->groups;
	struct gen_field **field = &block->fields, **data = &block->data;
	int last = 0;

	block->parent = parent;
	block->where = where(r, node);
	known(r, node, &block->where,
	      parent ? "name id description blockLength semanticType sinceVersion deprecated "
		       "dimensionType"
		     : "name id description blockLength semanticType sinceVersion deprecated");
	block->name = symbol(r, node, &block->where);
	block->id = required_number(r, node, &block->where, "id", parent ? 0xffff : 0xfffffffe);
	block->description = attribute(r, node, "description");
	block->semantic_type = attribute(r, node, "semanticType");
	block->block_length = number(r, node, &block->where, "blockLength", 0xffff, GEN_NONE);
	version(r, node, &block->where, &block->since, &block->deprecated);
	block->dimension_name = attribute(r, node, "dimensionType");
	if (!block->dimension_name)
		block->dimension_name = "groupSizeEncoding";
	if (depth == DEPTH_MAX) {
		gen_error(r->schema, &block->where, NULL, NULL,
			  "nested deeper than %d; make the schema flatter", DEPTH_MAX);
		return block;
	}
	for (xmlNode *child = node->children; (child = element(r, child, &block->where));
	     child = child->next) {
		static const char *const order[] = {"field", "group", "data"};
		int kind = 0;

		while (kind < 3 && !is(child, order[kind]))
			kind++;
		if (kind == 3) {
			unexpected(r, child, "field, group, data");
			continue;
		}
		if (kind < last) {
			struct gen_where at = where(r, child);

			gen_error(r->schema, &at, NULL, NULL,
				  "stands after a <%s>; fields come first, then groups, then data",
				  order[last]);
		}
		last = kind > last ? kind : last;
		if (kind == 1) {
			*group = read_block(r, child, block, depth + 1);
			group = &(*group)->next;
		} else {
			struct gen_field ***list = kind == 0 ? &field : &data;

			**list = read_field(r, child);
			*list = &(**list)->next;
		}
	}
	return block;
}

/* ---- interfaces of actors ------------------------------------------------------------------ */

/* SBE leaves no room for elements of others; ours are told from its own by their namespace. */
static bool is_ours(const xmlNode *node, const char *name)
{
	return node->ns && !strcmp((const char *)node->ns->href, GEN_INTERFACE_NS) &&
	       is(node, name);
}

static struct gen_accept *read_accept(struct reading *r, xmlNode *node)
{
	struct gen_accept *accept = gen_alloc(r->schema->arena, sizeof(*accept));

	accept->where = where(r, node);
	known(r, node, &accept->where, "message answer description sinceVersion deprecated");
	accept->message_name = required_text(r, node, &accept->where, "message");
	accept->answer_name = attribute(r, node, "answer");
	accept->description = attribute(r, node, "description");
	version(r, node, &accept->where, &accept->since, &accept->deprecated);
	return accept;
}

static struct gen_interface *read_interface(struct reading *r, xmlNode *node)
{
	struct gen_interface *interface = gen_alloc(r->schema->arena, sizeof(*interface));
	struct gen_accept **last = &interface->accepts;

	interface->where = where(r, node);
	known(r, node, &interface->where, "name id description");
	interface->name = symbol(r, node, &interface->where);
	interface->id = required_number(r, node, &interface->where, "id", 0xffff);
	interface->description = attribute(r, node, "description");
	for (xmlNode *child = node->children; (child = element(r, child, &interface->where));
	     child = child->next) {
		if (!is_ours(child, "accepts")) {
			unexpected(r, child, "accepts, of the namespace " GEN_INTERFACE_NS);
			continue;
		}
		*last = read_accept(r, child);
		last = &(*last)->next;
	}
	return interface;
}

/* ---- the file ------------------------------------------------------------------------------ */

static void read_schema(struct reading *r, xmlNode *root)
{
	struct gen_schema *schema = r->schema;
	struct gen_block **message = &schema->messages;
	struct gen_interface **interface = &schema->interfaces;
	const char *order;

	schema->where = where(r, root);
	known(r, root, &schema->where,
	      "package id version semanticVersion byteOrder description headerType");
	schema->package = attribute(r, root, "package");
	schema->description = attribute(r, root, "description");
	schema->semantic_version = attribute(r, root, "semanticVersion");
	schema->id = required_number(r, root, &schema->where, "id", 0xfffffffe);
	if (!xmlHasProp(root, (const xmlChar *)"version"))
		gen_soft(schema, &schema->where, "version", NULL,
			 "missing; give a number from 0 to %u, the first is 0", 0xfffffffe);
	schema->version = number(r, root, &schema->where, "version", 0xfffffffe, 0);
	schema->header_name = attribute(r, root, "headerType");
	if (!schema->header_name)
		schema->header_name = "messageHeader";
	order = attribute(r, root, "byteOrder");
	if (order && !strcmp(order, "bigEndian"))
		schema->big_endian = true;
	else if (order && strcmp(order, "littleEndian") != 0)
		gen_error(schema, &schema->where, "byteOrder", order,
			  "not a byte order; write littleEndian or bigEndian");
	for (xmlNode *child = root->children; (child = element(r, child, &schema->where));
	     child = child->next) {
		if (is(child, "types")) {
			read_types(r, child);
		} else if (is(child, "message")) {
			*message = read_block(r, child, NULL, 0);
			message = &(*message)->next;
		} else if (is_ours(child, "interface")) {
			*interface = read_interface(r, child);
			interface = &(*interface)->next;
		} else {
			unexpected(r, child, "types, message");
		}
	}
	if (!schema->messages)
		gen_error(schema, &schema->where, NULL, NULL,
			  "has no message; a schema needs at least one <message>");
}

static void read_root(struct reading *r)
{
	xmlNode *root = xmlDocGetRootElement(r->doc);
	struct gen_where at = where(r, root);

	const xmlDtd *doctype = r->doc->intSubset;

	/* Entities could make a small file a very large one; B3 writes one that declares nothing. */
	if (doctype && (doctype->children || doctype->ExternalID || doctype->SystemID)) {
		gen_error(r->schema, &at, NULL, NULL, "has a DOCTYPE; remove it");
	} else if (!is(root, "messageSchema")) {
		gen_error(r->schema, &at, NULL, NULL,
			  "not a message schema; the root element is <messageSchema>");
	} else if (root->ns && !strstr((const char *)root->ns->href, "fixprotocol")) {
		gen_error(r->schema, &at, "xmlns", (const char *)root->ns->href,
			  "not SBE's namespace; write http://fixprotocol.io/2016/sbe");
	} else {
		read_schema(r, root);
	}
}

static void quiet(void *unused, const char *message, ...)
{
	(void)unused;
	(void)message;
}

static void xml_error(struct gen_schema *schema, const xmlError *error, const char *file,
		      const char *remedy)
{
	struct gen_where at = {.file = error && error->file ? error->file : file,
			       .line = error ? error->line : 0,
			       .element = "?xml"};
	const char *what = error && error->message ? error->message : "cannot be read";
	int length = (int)strcspn(what, "\n");

	at.file = gen_format(schema->arena, "%s", at.file);
	gen_error(schema, &at, NULL, NULL, "%.*s; %s", length, what, remedy);
}

bool gen_read(struct gen_schema *schema, const char *file, const char *text, size_t size)
{
	int options =
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_BIG_LINES;
	xmlParserCtxt *context = xmlNewParserCtxt();
	struct reading r = {.schema = schema};

	schema->where = (struct gen_where){.file = file};
	xmlResetLastError();
	xmlSetGenericErrorFunc(NULL, quiet); /* errors are in the log */
	if (!context) {
		xml_error(schema, NULL, file, "free some memory");
		return false;
	}
	r.doc = text ? xmlCtxtReadMemory(context, text, (int)size, file, NULL, options)
		     : xmlCtxtReadFile(context, file, NULL, options);
	if (!r.doc && !text && access(file, R_OK)) {
		gen_error(schema, &schema->where, NULL, NULL, "%s; name a file that can be read",
			  strerror(errno));
	} else if (!r.doc) {
		xml_error(schema, xmlCtxtGetLastError(context), file,
			  "the file must be there, and well-formed XML");
	} else if (!text && xmlXIncludeProcessFlags(r.doc, options) < 0) {
		xml_error(schema, xmlGetLastError(), file, "mend the path or the file");
	} else {
		read_root(&r);
	}
	xmlFreeDoc(r.doc);
	xmlFreeParserCtxt(context);
	return !schema->errors;
}
