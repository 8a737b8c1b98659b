/* ONNX messages as plain C views; no C++ type and no exception crosses this header.
 *
 * The same structures serve both directions: parsing fills a tree of views that lives as long as
 * its document; writing takes a tree that the caller built. A view never owns what it points to.
 */
#ifndef CONNX_H
#define CONNX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes or text; text is not terminated and need not be UTF-8. */
typedef struct connx_bytes {
  const uint8_t *_Nullable start;
  size_t count;
} connx_bytes;

typedef struct connx_names {
  const connx_bytes *_Nullable items;
  size_t count;
} connx_names;

/* Where the elements of a tensor are. */
typedef enum connx_data_kind {
  CONNX_DATA_INLINE = 0,  /* in `data`, laid out as raw_data */
  CONNX_DATA_IN_FILE = 1, /* in the parsed file, at `file_offset`; fetch with connx_read */
  CONNX_DATA_STRINGS = 2, /* in `strings` */
  CONNX_DATA_EXTERNAL = 3 /* in another file, as `external` says */
} connx_data_kind;

/* A key and a value, as in StringStringEntryProto. */
typedef struct connx_entry {
  connx_bytes key;
  connx_bytes value;
} connx_entry;

typedef struct connx_entries {
  const connx_entry *_Nullable items;
  size_t count;
} connx_entries;

typedef struct connx_tensor {
  connx_bytes name;
  connx_bytes doc_string;
  int32_t data_type; /* TensorProto.DataType, newer values than libonnx knows included */
  const int64_t *_Nullable dims;
  size_t dim_count;
  connx_data_kind data_kind;
  connx_bytes data;
  int64_t file_offset;
  int64_t file_count;
  connx_names strings;
  connx_entries external;
  connx_bytes unknown_fields;
} connx_tensor;

typedef struct connx_tensors {
  const connx_tensor *_Nullable items;
  size_t count;
} connx_tensors;

typedef enum connx_dimension_kind {
  CONNX_DIMENSION_UNKNOWN = 0,
  CONNX_DIMENSION_FIXED = 1,
  CONNX_DIMENSION_SYMBOLIC = 2
} connx_dimension_kind;

typedef struct connx_dimension {
  connx_dimension_kind kind;
  int64_t size;
  connx_bytes symbol;
} connx_dimension;

typedef enum connx_type_kind {
  CONNX_TYPE_NONE = 0,
  CONNX_TYPE_TENSOR = 1,
  CONNX_TYPE_SEQUENCE = 2,
  CONNX_TYPE_OPTIONAL = 3,
  CONNX_TYPE_OPAQUE = 4
} connx_type_kind;

typedef struct connx_type {
  connx_type_kind kind;
  int32_t element_type;
  bool has_shape;
  const connx_dimension *_Nullable dims;
  size_t dim_count;
  const struct connx_type *_Nullable element;
  connx_bytes serialized; /* TypeProto; always set when parsing */
} connx_type;

typedef struct connx_value_info {
  connx_bytes name;
  connx_bytes doc_string;
  connx_type type;
  connx_bytes unknown_fields;
} connx_value_info;

typedef struct connx_value_infos {
  const connx_value_info *_Nullable items;
  size_t count;
} connx_value_infos;

/* AttributeProto.AttributeType. */
typedef enum connx_attribute_type {
  CONNX_ATTRIBUTE_UNDEFINED = 0,
  CONNX_ATTRIBUTE_FLOAT = 1,
  CONNX_ATTRIBUTE_INT = 2,
  CONNX_ATTRIBUTE_STRING = 3,
  CONNX_ATTRIBUTE_TENSOR = 4,
  CONNX_ATTRIBUTE_GRAPH = 5,
  CONNX_ATTRIBUTE_FLOATS = 6,
  CONNX_ATTRIBUTE_INTS = 7,
  CONNX_ATTRIBUTE_STRINGS = 8,
  CONNX_ATTRIBUTE_TENSORS = 9,
  CONNX_ATTRIBUTE_GRAPHS = 10,
  CONNX_ATTRIBUTE_SPARSE_TENSOR = 11,
  CONNX_ATTRIBUTE_SPARSE_TENSORS = 12,
  CONNX_ATTRIBUTE_TYPE_PROTO = 13,
  CONNX_ATTRIBUTE_TYPE_PROTOS = 14
} connx_attribute_type;

typedef struct connx_attribute {
  connx_bytes name;
  connx_bytes doc_string;
  connx_bytes reference; /* ref_attr_name */
  int32_t type;
  uint32_t present; /* bit `t` set: the field of type `t` holds a value */
  float f;
  int64_t i;
  connx_bytes s;
  const float *_Nullable floats;
  size_t float_count;
  const int64_t *_Nullable ints;
  size_t int_count;
  connx_names strings;
  connx_tensors tensors; /* TENSOR: the first one */
  const struct connx_graph *_Nullable graphs; /* GRAPH: the first one */
  size_t graph_count;
  connx_bytes serialized; /* AttributeProto, for the types that have no view */
  connx_bytes unknown_fields;
} connx_attribute;

typedef struct connx_attributes {
  const connx_attribute *_Nullable items;
  size_t count;
} connx_attributes;

typedef struct connx_node {
  connx_bytes name;
  connx_bytes op;
  connx_bytes domain; /* "ai.onnx" is given as empty, its spelling kept in unknown_fields */
  connx_bytes overload;
  connx_bytes doc_string;
  connx_names inputs;
  connx_names outputs;
  connx_attributes attributes;
  connx_bytes unknown_fields;
} connx_node;

typedef struct connx_nodes {
  const connx_node *_Nullable items;
  size_t count;
} connx_nodes;

typedef struct connx_graph {
  connx_bytes name;
  connx_bytes doc_string;
  connx_value_infos inputs;
  connx_value_infos outputs;
  connx_value_infos value_infos;
  connx_tensors initializers;
  connx_nodes nodes;
  connx_names sparse_names; /* values that sparse initializers define; parsing only */
  connx_bytes unknown_fields;
} connx_graph;

typedef struct connx_operator_set {
  connx_bytes domain;
  int64_t version;
} connx_operator_set;

typedef struct connx_operator_sets {
  const connx_operator_set *_Nullable items;
  size_t count;
} connx_operator_sets;

typedef struct connx_function {
  connx_bytes name;
  connx_bytes domain;
  connx_bytes overload;
  connx_bytes doc_string;
  connx_names inputs;
  connx_names outputs;
  connx_names attribute_names;
  connx_attributes attribute_defaults;
  connx_operator_sets operator_sets;
  connx_nodes nodes;
  connx_bytes unknown_fields;
} connx_function;

typedef struct connx_model {
  int64_t ir_version;
  int64_t model_version;
  connx_bytes producer_name;
  connx_bytes producer_version;
  connx_bytes domain;
  connx_bytes doc_string;
  connx_operator_sets operator_sets;
  connx_entries metadata;
  const connx_function *_Nullable functions;
  size_t function_count;
  bool has_graph;
  connx_graph graph;
  connx_bytes unknown_fields;
} connx_model;

typedef enum connx_value_kind {
  CONNX_VALUE_NONE = 0, /* an optional without a value */
  CONNX_VALUE_TENSOR = 1,
  CONNX_VALUE_SEQUENCE = 2,
  CONNX_VALUE_OPTIONAL = 3,
  CONNX_VALUE_UNSUPPORTED = 4 /* map or sparse tensor */
} connx_value_kind;

/* What a TensorProto, SequenceProto or OptionalProto file holds. */
typedef struct connx_value {
  connx_value_kind kind;
  connx_bytes name;
  connx_tensor tensor;
  const struct connx_value *_Nullable items; /* of a sequence; the one of an optional */
  size_t item_count;
} connx_value;

typedef enum connx_status {
  CONNX_OK = 0,
  CONNX_SYSTEM = 1, /* a system call failed; `system_error` is its errno */
  CONNX_NOT_A_FILE = 2,
  CONNX_EMPTY = 3,
  CONNX_TOO_LARGE = 4, /* beyond the 2 GiB of a protobuf message */
  CONNX_MALFORMED = 5, /* not a protobuf message of this kind; `offset` is where */
  CONNX_SCATTERED = 6, /* a tensor at `offset` is stored in pieces */
  CONNX_MEMORY = 7,
  CONNX_INTERNAL = 8
} connx_status;

typedef struct connx_error {
  connx_status status;
  int32_t system_error;
  int64_t offset;
} connx_error;

typedef struct connx_document connx_document;

/* Parses a ModelProto. Null on failure, with `error` filled. */
connx_document *_Nullable connx_open_model(const char *_Nonnull path, connx_error *_Nonnull error);

/* Parses a TensorProto, SequenceProto or OptionalProto. */
connx_document *_Nullable connx_open_value(const char *_Nonnull path, connx_value_kind kind,
                                           connx_error *_Nonnull error);

/* The views; null where the document is of the other kind. Valid until connx_close. */
const connx_model *_Nullable connx_model_of(const connx_document *_Nonnull document);
const connx_value *_Nullable connx_value_of(const connx_document *_Nonnull document);

/* Fetches elements of a CONNX_DATA_IN_FILE tensor. */
connx_status connx_read(const connx_document *_Nonnull document, int64_t offset,
                        void *_Nonnull buffer, size_t count, connx_error *_Nonnull error);

void connx_close(connx_document *_Nonnull document);

/* Serializes to a file descriptor; equal views give equal bytes. */
connx_status connx_write_model(const connx_model *_Nonnull model, int descriptor,
                               connx_error *_Nonnull error);
connx_status connx_write_tensor(const connx_tensor *_Nonnull tensor, int descriptor,
                                connx_error *_Nonnull error);

#ifdef __cplusplus
}
#endif
#endif
