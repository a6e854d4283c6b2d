/* SPDX-License-Identifier: Apache-2.0 */
/* The Car messages of the reference implementation: every field, the same bytes again, and both
 * versions of the schema read by both. */
#include <string.h>

#include "common/test.h"

#include <sbe/car/example-extension-schema.h>
#include <sbe/car/example-schema.h>

struct file {
	uint8_t data[512];
	size_t size;
};

static struct file load(const char *name)
{
	struct file file;
	char path[256];

	snprintf(path, sizeof(path), "tests/schemas/car/%s", name);
	FILE *stream = fopen(path, "rb");
	assert_non_null(stream);
	file.size = fread(file.data, 1, sizeof(file.data), stream);
	fclose(stream);
	assert_int_equal(file.size, 207);
	return file;
}

static void same(struct myc_sbe_bytes bytes, const char *text)
{
	assert_int_equal(bytes.length, strlen(text));
	assert_memory_equal(bytes.data, text, bytes.length);
}

/* Both samples have one car; only its numbers differ. The macros stand for either generation. */
#define DECODES(P, first)                                                                          \
	static void P##_fields(const struct P##_car *car)                                          \
	{                                                                                          \
		struct P##_car_fuel_figures fuel;                                                  \
		struct P##_car_performance_figures performance;                                    \
		struct P##_car_performance_figures_acceleration acceleration;                      \
		static const char *const cycles[] = {"Urban Cycle", "Combined Cycle",              \
						     "Highway Cycle"};                             \
		static const uint16_t speeds[] = {30, 55, 75}, mphs[] = {30, 60, 100};             \
		static const float mpgs[] = {35.9f, 49.0f, 40.0f};                                 \
		static const float seconds[2][3] = {{4.0f, 7.5f, 12.2f}, {3.8f, 7.1f, 11.8f}};     \
		static const uint8_t octanes[] = {95, 99};                                         \
		int i = 0, j;                                                                      \
                                                                                                   \
		assert_int_equal(P##_car_get_serial_number(car), 1234);                            \
		assert_int_equal(P##_car_get_model_year(car), 2013);                               \
		assert_int_equal(P##_car_get_available(car), 1);                                   \
		assert_int_equal(P##_car_get_code(car), 'A');                                      \
		for (i = 0; i < 4; i++)                                                            \
			assert_int_equal(P##_car_get_some_numbers(car, (size_t)i),                 \
					 (first) + (unsigned)i);                                   \
		same(P##_car_get_vehicle_code(car), "abcdef");                                     \
		assert_int_equal(P##_car_get_extras(car), 6);                                      \
		assert_int_equal(P##_car_get_discounted_model(car), 'C');                          \
		assert_int_equal(P##_car_get_engine_capacity(car), 2000);                          \
		assert_int_equal(P##_car_get_engine_num_cylinders(car), 4);                        \
		assert_int_equal(P##_car_get_engine_max_rpm(car), 9000);                           \
		same(P##_car_get_engine_manufacturer_code(car), "123");                            \
		same(P##_car_get_engine_fuel(car), "Petrol");                                      \
		assert_int_equal(P##_car_get_engine_efficiency(car), 35);                          \
		assert_int_equal(P##_car_get_engine_booster_enabled(car), 1);                      \
		assert_int_equal(P##_car_get_engine_booster_boost_type(car), 'N');                 \
		assert_int_equal(P##_car_get_engine_booster_horse_power(car), 200);                \
		assert_int_equal(P##_car_fuel_figures_count(car), 3);                              \
		P##_car_fuel_figures_open(car, &fuel);                                             \
		for (i = 0; P##_car_fuel_figures_next(&fuel); i++) {                               \
			assert_int_equal(P##_car_fuel_figures_get_speed(&fuel), speeds[i]);        \
			assert_true(P##_car_fuel_figures_get_mpg(&fuel) == mpgs[i]);               \
			same(P##_car_fuel_figures_get_usage_description(&fuel), cycles[i]);        \
		}                                                                                  \
		assert_int_equal(i, 3);                                                            \
		P##_car_performance_figures_open(car, &performance);                               \
		for (i = 0; P##_car_performance_figures_next(&performance); i++) {                 \
			assert_int_equal(                                                          \
				P##_car_performance_figures_get_octane_rating(&performance),       \
				octanes[i]);                                                       \
			P##_car_performance_figures_acceleration_open(&performance,                \
								      &acceleration);              \
			for (j = 0; P##_car_performance_figures_acceleration_next(&acceleration);  \
			     j++) {                                                                \
				assert_int_equal(P##_car_performance_figures_acceleration_get_mph( \
							 &acceleration),                           \
						 mphs[j]);                                         \
				assert_true(P##_car_performance_figures_acceleration_get_seconds(  \
						    &acceleration) == seconds[i][j]);              \
			}                                                                          \
			assert_int_equal(j, 3);                                                    \
		}                                                                                  \
		assert_int_equal(i, 2);                                                            \
		same(P##_car_get_manufacturer(car), "Honda");                                      \
		same(P##_car_get_model(car), "Civic VTi");                                         \
		same(P##_car_get_activation_code(car), "abcdef");                                  \
	}                                                                                          \
	static size_t P##_encode(uint8_t *to, size_t size, uint32_t version)                       \
	{                                                                                          \
		struct P##_car_encoder car;                                                        \
		struct P##_car_fuel_figures_encoder fuel;                                          \
		struct P##_car_performance_figures_encoder performance;                            \
		struct P##_car_performance_figures_acceleration_encoder acceleration;              \
		static const char *const cycles[] = {"Urban Cycle", "Combined Cycle",              \
						     "Highway Cycle"};                             \
		static const uint16_t speeds[] = {30, 55, 75}, mphs[] = {30, 60, 100};             \
		static const float mpgs[] = {35.9f, 49.0f, 40.0f};                                 \
		static const float seconds[2][3] = {{4.0f, 7.5f, 12.2f}, {3.8f, 7.1f, 11.8f}};     \
                                                                                                   \
		if (P##_car_begin_version(&car, to, size, version))                                \
			return 0;                                                                  \
		P##_car_nulls(&car);                                                               \
		P##_car_set_serial_number(&car, 1234);                                             \
		P##_car_set_model_year(&car, 2013);                                                \
		P##_car_set_available(&car, (enum P##_boolean_type)1);                             \
		P##_car_set_code(&car, (enum P##_model)'A');                                       \
		for (uint32_t i = 0; i < 4; i++)                                                   \
			P##_car_set_some_numbers(&car, i, (first) + i);                            \
		P##_car_set_vehicle_code(&car, "abcdef", 6);                                       \
		P##_car_set_extras(&car, 6);                                                       \
		P##_car_set_engine_capacity(&car, 2000);                                           \
		P##_car_set_engine_num_cylinders(&car, 4);                                         \
		P##_car_set_engine_manufacturer_code(&car, "123", 3);                              \
		P##_car_set_engine_efficiency(&car, 35);                                           \
		P##_car_set_engine_booster_enabled(&car, (enum P##_boolean_type)1);                \
		P##_car_set_engine_booster_boost_type(&car, (enum P##_booster_boost_type)'N');     \
		P##_car_set_engine_booster_horse_power(&car, 200);                                 \
		P##_car_fuel_figures_begin(&car, &fuel, 3);                                        \
		for (int i = 0; P##_car_fuel_figures_add(&fuel); i++) {                            \
			P##_car_fuel_figures_set_speed(&fuel, speeds[i]);                          \
			P##_car_fuel_figures_set_mpg(&fuel, mpgs[i]);                              \
			P##_car_fuel_figures_set_usage_description(&fuel, cycles[i],               \
								   strlen(cycles[i]));             \
		}                                                                                  \
		P##_car_performance_figures_begin(&car, &performance, 2);                          \
		for (int i = 0; P##_car_performance_figures_add(&performance); i++) {              \
			P##_car_performance_figures_set_octane_rating(&performance, i ? 99 : 95);  \
			P##_car_performance_figures_acceleration_begin(&performance,               \
								       &acceleration, 3);          \
			for (int j = 0;                                                            \
			     P##_car_performance_figures_acceleration_add(&acceleration); j++) {   \
				P##_car_performance_figures_acceleration_set_mph(&acceleration,    \
										 mphs[j]);         \
				P##_car_performance_figures_acceleration_set_seconds(              \
					&acceleration, seconds[i][j]);                             \
			}                                                                          \
		}                                                                                  \
		P##_car_set_manufacturer(&car, "Honda", 5);                                        \
		P##_car_set_model(&car, "Civic VTi", 9);                                           \
		P##_car_set_activation_code(&car, "abcdef", 6);                                    \
		return P##_car_end(&car);                                                          \
	}

static unsigned first_number;
DECODES(baseline, first_number)
DECODES(extension, first_number)

static void every_field_of_the_samples_is_read_by_both_generations(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct file file = load(i ? "car_example_baseline_data.sbe"
					  : "car_example_extension_data.sbe");
		struct baseline_car old;
		struct extension_car new;

		first_number = i;
		assert_int_equal(baseline_car_open(&old, file.data, file.size), 0);
		baseline_fields(&old);
		assert_int_equal(baseline_car_size(&old), file.size);
		assert_int_equal(extension_car_open(&new, file.data, file.size), 0);
		extension_fields(&new);
		assert_int_equal(extension_car_size(&new), file.size);
		assert_false(extension_car_has_uuid(&new));
		assert_false(extension_car_has_cup_holder_count(&new));
		assert_int_equal(extension_car_get_cup_holder_count(&new), 255);
		assert_true(extension_car_get_uuid(&new, 1) == INT64_MIN);
	}
}

static void the_same_values_give_the_same_bytes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct file file = load(i ? "car_example_baseline_data.sbe"
					  : "car_example_extension_data.sbe");
		uint8_t made[256];

		first_number = i;
		assert_int_equal(baseline_encode(made, sizeof(made), 0), 207);
		assert_memory_equal(made, file.data, 207);
		assert_int_equal(extension_encode(made, sizeof(made), 0), 207);
		assert_memory_equal(made, file.data, 207);
		/* of the exact size, and one byte less */
		assert_int_equal(extension_encode(made, 207, 0), 207);
		assert_int_equal(extension_encode(made, 206, 0), 0);
	}
}

static void a_new_message_is_read_by_old_code(void **state)
{
	uint8_t made[256];
	struct baseline_car old;
	struct extension_car new, again;
	size_t size;

	(void)state;
	first_number = 1;
	size = extension_encode(made, sizeof(made), 1);
	assert_int_equal(size, 207 + 17);
	assert_int_equal(baseline_car_open(&old, made, size), 0);
	baseline_fields(&old);
	assert_int_equal(extension_car_open(&new, made, size), 0);
	extension_fields(&new);
	assert_false(extension_car_has_cup_holder_count(&new));

	/* the same but for what only the new one has */
	struct file file = load("car_example_baseline_data.sbe");
	assert_int_equal(extension_car_open(&again, file.data, file.size), 0);
	assert_true(extension_car_equal(&new, &again));
	made[EXTENSION_HEADER_LENGTH + EXTENSION_CAR_CUP_HOLDER_COUNT_OFFSET] = 4;
	assert_true(extension_car_has_cup_holder_count(&new));
	assert_false(extension_car_equal(&new, &again));
}

static void a_shortened_message_is_refused_and_bounded_access_stays_inside(void **state)
{
	struct file file = load("car_example_baseline_data.sbe");

	(void)state;
	for (size_t size = 0; size < file.size; size++) {
		uint8_t *exact = malloc(size ? size : 1);
		struct extension_car car;
		char text[4096];

		memcpy(exact, file.data, size);
		assert_int_not_equal(extension_car_open(&car, exact, size), 0);
		int error = extension_car_open_bounded(&car, exact, size);
		assert_int_equal(error, size < 8 + 45 ? MYC_SBE_SHORT : 0);
		if (!error)
			extension_car_print(&car, MYC_SBE_JSON, text, sizeof(text));
		free(exact);
	}
}

static void wrong_headers_are_refused_by_name(void **state)
{
	struct file file = load("car_example_baseline_data.sbe");
	struct baseline_car car;

	(void)state;
	file.data[2] = 2;
	assert_int_equal(baseline_car_open(&car, file.data, file.size), MYC_SBE_TEMPLATE);
	file.data[2] = 1;
	file.data[4] = 9;
	assert_int_equal(baseline_car_open(&car, file.data, file.size), MYC_SBE_SCHEMA);
	file.data[4] = 1;
	file.data[0] = 44;
	assert_int_equal(baseline_car_open(&car, file.data, file.size), MYC_SBE_BLOCK);
	file.data[0] = 45;
	file.data[53] = 5; /* fuelFigures: entries shorter than their fields */
	assert_int_equal(baseline_car_open(&car, file.data, file.size), MYC_SBE_BLOCK);
	file.data[53] = 6;
	file.data[55] = 200;
	assert_int_not_equal(baseline_car_open(&car, file.data, file.size), 0);
	assert_string_equal(myc_sbe_error_text(MYC_SBE_TEMPLATE), "another template");
}

static void the_encoder_keeps_the_order_and_the_counts(void **state)
{
	uint8_t made[256];
	struct baseline_car_encoder car;
	struct baseline_car_fuel_figures_encoder fuel;
	struct baseline_car view;

	(void)state;
	/* what is not written is empty */
	assert_int_equal(baseline_car_begin(&car, made, sizeof(made)), 0);
	baseline_car_nulls(&car);
	baseline_car_set_model(&car, "x", 1);
	assert_int_equal(baseline_car_end(&car), 8 + 45 + 4 + 4 + 4 + 4 + 1 + 4);
	assert_int_equal(baseline_car_open(&view, made, sizeof(made)), 0);
	assert_int_equal(baseline_car_fuel_figures_count(&view), 0);
	same(baseline_car_get_model(&view), "x");

	assert_int_equal(baseline_car_begin(&car, made, sizeof(made)), 0);
	baseline_car_set_model(&car, "x", 1);
	baseline_car_set_manufacturer(&car, "y", 1);
	assert_int_equal(baseline_car_end(&car), 0);
	assert_int_equal(car.w.error, MYC_SBE_ORDER);

	assert_int_equal(baseline_car_begin(&car, made, sizeof(made)), 0);
	assert_true(baseline_car_fuel_figures_begin(&car, &fuel, 2));
	assert_true(baseline_car_fuel_figures_add(&fuel));
	assert_int_equal(baseline_car_end(&car), 0);
	assert_int_equal(car.w.error, MYC_SBE_UNFINISHED);

	assert_int_equal(baseline_car_begin(&car, made, sizeof(made)), 0);
	assert_false(baseline_car_fuel_figures_begin(&car, &fuel, 65535));
	assert_int_equal(baseline_car_end(&car), 0);
	assert_int_equal(car.w.error, MYC_SBE_COUNT);

	assert_int_equal(baseline_car_begin(&car, made, sizeof(made)), 0);
	assert_true(baseline_car_fuel_figures_begin(&car, &fuel, 1));
	assert_true(baseline_car_fuel_figures_add(&fuel));
	assert_null(baseline_car_fuel_figures_reserve_usage_description(&fuel, 4096));
	assert_int_equal(baseline_car_end(&car), 0);
	assert_int_equal(car.w.error, MYC_SBE_ROOM);
}

static void a_car_prints_as_text_and_json(void **state)
{
	struct file file = load("car_example_baseline_data.sbe");
	struct extension_car car;
	char text[4096], small[20];
	size_t length;

	(void)state;
	assert_int_equal(extension_car_open(&car, file.data, file.size), 0);
	length = extension_car_print(&car, MYC_SBE_JSON, text, sizeof(text));
	assert_int_equal(length, strlen(text));
	assert_string_equal(
		text,
		"{\"Car\":{\"serialNumber\":1234,\"modelYear\":2013,\"available\":\"T\",\"code\":"
		"\"A\","
		"\"someNumbers\":[1,2,3,4],\"vehicleCode\":\"abcdef\",\"extras\":[\"sportsPack\","
		"\"cruiseControl\"],\"discountedModel\":\"C\",\"engine\":{\"capacity\":2000,"
		"\"numCylinders\":4,\"maxRpm\":9000,\"manufacturerCode\":\"123\",\"fuel\":"
		"\"Petrol\","
		"\"efficiency\":35,\"boosterEnabled\":\"T\",\"booster\":{\"BoostType\":\"NITROUS\","
		"\"horsePower\":200}},\"uuid\":null,\"cupHolderCount\":null,\"fuelFigures\":[{"
		"\"speed\":30,"
		"\"mpg\":35.9000015,\"usageDescription\":\"Urban Cycle\"},{\"speed\":55,\"mpg\":49,"
		"\"usageDescription\":\"Combined Cycle\"},{\"speed\":75,\"mpg\":40,"
		"\"usageDescription\":\"Highway "
		"Cycle\"}],\"performanceFigures\":[{\"octaneRating\":95,"
		"\"acceleration\":[{\"mph\":30,\"seconds\":4},{\"mph\":60,\"seconds\":7.5},{"
		"\"mph\":100,"
		"\"seconds\":12.1999998}]},{\"octaneRating\":99,\"acceleration\":[{\"mph\":30,"
		"\"seconds\":3.79999995},{\"mph\":60,\"seconds\":7.0999999},{\"mph\":100,"
		"\"seconds\":11.8000002}]}],\"manufacturer\":\"Honda\",\"model\":\"Civic VTi\","
		"\"activationCode\":\"abcdef\"}}");
	assert_int_equal(
		extension_car_print(&car, MYC_SBE_TEXT, small, sizeof(small)),
		extension_print_any(file.data, file.size, MYC_SBE_TEXT, text, sizeof(text), NULL));
	assert_string_equal(small, "Car{serialNumber=12");
	assert_memory_equal(text, small, strlen(small));
	assert_int_equal(extension_print_any(file.data, 20, MYC_SBE_TEXT, text, sizeof(text), NULL),
			 0);
}

static void the_struct_is_the_block(void **state)
{
	struct file file = load("car_example_baseline_data.sbe");
	struct extension_car car;
	struct extension_car_block block, other;
	struct extension_car_encoder encoder;
	uint8_t made[256];

	(void)state;
	assert_int_equal(extension_car_open(&car, file.data, file.size), 0);
	extension_car_load(&car, &block);
	assert_int_equal(block.serial_number, 1234);
	assert_int_equal(block.engine.booster.horse_power, 200);
	assert_int_equal(block.cup_holder_count, EXTENSION_CAR_CUP_HOLDER_COUNT_NULL);
	assert_int_equal(sizeof(struct baseline_car_block), 45);
	assert_memory_equal(&block, file.data + 8, 45);
	assert_int_equal(extension_car_begin(&encoder, made, sizeof(made)), 0);
	extension_car_store(&encoder, &block);
	assert_memory_equal(made + 8, &block, sizeof(block));
	other = block;
	assert_true(extension_car_block_equal(&block, &other));
	other.engine.booster.horse_power++;
	assert_false(extension_car_block_equal(&block, &other));
}

static void the_table_of_fields_has_what_the_schema_says(void **state)
{
	const struct myc_sbe_block_info *car = extension_schema_info.messages[0];
	bool found = false;

	(void)state;
	assert_string_equal(car->name, "Car");
	assert_int_equal(extension_schema_info.version, 1);
	assert_int_equal(car->groups_count, 2);
	assert_string_equal(car->groups[1]->groups[0]->name, "acceleration");
	for (uint32_t i = 0; i < car->fields_count; i++) {
		const struct myc_sbe_field_info *field = &car->fields[i];

		if (strcmp(field->name, "engine.booster.BoostType") != 0)
			continue;
		found = true;
		assert_int_equal(field->kind, MYC_SBE_ENUM);
		assert_int_equal(field->offset, EXTENSION_CAR_ENGINE_BOOSTER_BOOST_TYPE_OFFSET);
		assert_int_equal(field->id, 9);
		assert_string_equal(field->values[2].name, "NITROUS");
		assert_int_equal(field->values[2].value, 'N');
	}
	assert_true(found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_of_the_samples_is_read_by_both_generations),
		cmocka_unit_test(the_same_values_give_the_same_bytes),
		cmocka_unit_test(a_new_message_is_read_by_old_code),
		cmocka_unit_test(a_shortened_message_is_refused_and_bounded_access_stays_inside),
		cmocka_unit_test(wrong_headers_are_refused_by_name),
		cmocka_unit_test(the_encoder_keeps_the_order_and_the_counts),
		cmocka_unit_test(a_car_prints_as_text_and_json),
		cmocka_unit_test(the_struct_is_the_block),
		cmocka_unit_test(the_table_of_fields_has_what_the_schema_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
