"""The few messages that a Functions host and a Python worker exchange in these tests, built at run time.

Names and numbers of fields are facts of the wire; they are listed in
https://github.com/Azure/azure-functions-language-worker-protobuf. Only what a test needs is here: an unknown field
is skipped by protobuf on either side.
"""

from __future__ import annotations

from types import SimpleNamespace

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "lamplighter.functions"

# field: "type number", where *T repeats, <T> maps strings to T, and |name puts the field into that oneof
MESSAGES: dict[str, dict[str, str]] = {
    "StreamingMessage": {
        "request_id": "string 1",
        "invocation_request": "InvocationRequest 4 |content",
        "invocation_response": "InvocationResponse 5 |content",
        "function_load_request": "FunctionLoadRequest 8 |content",
        "function_load_response": "FunctionLoadResponse 9 |content",
        "worker_init_response": "WorkerInitResponse 16 |content",
        "worker_init_request": "WorkerInitRequest 17 |content",
        "functions_metadata_request": "FunctionsMetadataRequest 29 |content",
        "function_metadata_response": "FunctionMetadataResponse 30 |content",
    },
    "WorkerInitRequest": {
        "host_version": "string 1",
        "capabilities": "<string> 2",
        "worker_directory": "string 4",
        "function_app_directory": "string 5",
    },
    "WorkerInitResponse": {
        "capabilities": "<string> 2",
        "result": "StatusResult 3",
        "worker_metadata": "WorkerMetadata 4",
    },
    "WorkerMetadata": {
        "runtime_name": "string 1",
        "runtime_version": "string 2",
        "worker_version": "string 3",
        "worker_bitness": "string 4",
        "custom_properties": "<string> 5",
    },
    "StatusResult": {"result": "string 1", "exception": "RpcException 2", "status": "StatusResult.Status 4"},
    "RpcException": {"stack_trace": "string 1", "message": "string 2", "source": "string 3"},
    "FunctionsMetadataRequest": {"function_app_directory": "string 1"},
    "FunctionMetadataResponse": {
        "function_metadata_results": "*RpcFunctionMetadata 1",
        "result": "StatusResult 2",
        "use_default_metadata_indexing": "bool 3",
    },
    "FunctionLoadRequest": {"function_id": "string 1", "metadata": "RpcFunctionMetadata 2"},
    "FunctionLoadResponse": {"function_id": "string 1", "result": "StatusResult 2"},
    "RpcFunctionMetadata": {
        "directory": "string 1",
        "script_file": "string 2",
        "entry_point": "string 3",
        "name": "string 4",
        "bindings": "<BindingInfo> 6",
        "is_proxy": "bool 7",
        "language": "string 9",
        "raw_bindings": "*string 10",
        "function_id": "string 13",
        "managed_dependency_enabled": "bool 14",
        "retry_options": "RpcRetryOptions 15",
        "properties": "<string> 16",
    },
    "RpcRetryOptions": {"max_retry_count": "int32 2"},
    "BindingInfo": {
        "type": "string 2",
        "direction": "BindingInfo.Direction 3",
        "data_type": "BindingInfo.DataType 4",
    },
    "InvocationRequest": {
        "invocation_id": "string 1",
        "function_id": "string 2",
        "input_data": "*ParameterBinding 3",
        "trigger_metadata": "<TypedData> 4",
        "trace_context": "RpcTraceContext 5",
        "retry_context": "RetryContext 6",
    },
    "InvocationResponse": {
        "invocation_id": "string 1",
        "output_data": "*ParameterBinding 2",
        "result": "StatusResult 3",
        "return_value": "TypedData 4",
    },
    "RpcTraceContext": {"trace_parent": "string 1", "trace_state": "string 2", "attributes": "<string> 3"},
    "RetryContext": {"retry_count": "int32 1", "max_retry_count": "int32 2", "exception": "RpcException 3"},
    "ParameterBinding": {"name": "string 1", "data": "TypedData 2 |rpc_data"},
    "TypedData": {
        "string": "string 1 |data",
        "json": "string 2 |data",
        "bytes": "bytes 3 |data",
        "http": "RpcHttp 5 |data",
        "stream": "bytes 4 |data",
        "int": "sint64 6 |data",
        "double": "double 7 |data",
    },
    "RpcHttp": {
        "method": "string 1",
        "url": "string 2",
        "headers": "<string> 3",
        "body": "TypedData 4",
        "params": "<string> 10",
        "status_code": "string 12",
        "query": "<string> 15",
        "enable_content_negotiation": "bool 16",
        "cookies": "*RpcHttpCookie 19",
    },
    "RpcHttpCookie": {"name": "string 1", "value": "string 2"},
}
ENUMS: dict[str, dict[str, tuple[str, ...]]] = {
    "StatusResult": {"Status": ("Failure", "Success", "Cancelled")},
    "BindingInfo": {"Direction": ("in", "out", "inout"), "DataType": ("undefined", "string", "binary", "stream")},
}


def build() -> SimpleNamespace:
    """The message classes by name, as the worker expects its `protos` module to have them."""
    file = descriptor_pb2.FileDescriptorProto(name="lamplighter_functions.proto", package=PACKAGE, syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for enum, values in ENUMS.get(name, {}).items():
            described = message.enum_type.add(name=enum)
            for number, value in enumerate(values):
                described.value.add(name=value, number=number)
        for field, text in fields.items():
            _add_field(message, field, text)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return SimpleNamespace(
        **{name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}")) for name in MESSAGES},
    )


def _add_field(message: descriptor_pb2.DescriptorProto, name: str, text: str) -> None:
    kind, number, *oneof = text.split()
    field = message.field.add(name=name, number=int(number), label=1)
    if oneof:
        known = [one.name for one in message.oneof_decl]
        if oneof[0][1:] not in known:
            message.oneof_decl.add(name=oneof[0][1:])
            known.append(oneof[0][1:])
        field.oneof_index = known.index(oneof[0][1:])
    if kind.startswith("<"):
        # A map is a repeated message of key and value, marked as a map entry.
        entry = "".join(part.capitalize() for part in name.split("_")) + "Entry"
        nested = message.nested_type.add(name=entry)
        nested.options.map_entry = True
        _add_field(nested, "key", "string 1")
        _add_field(nested, "value", f"{kind[1:-1]} 2")
        kind = f"*{message.name}.{entry}"
    if kind.startswith("*"):
        field.label = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
        kind = kind[1:]
    scalar = descriptor_pb2.FieldDescriptorProto.Type.DESCRIPTOR.values_by_name.get(f"TYPE_{kind.upper()}")
    if scalar is not None:
        field.type = scalar.number
        return
    owner, _, inner = kind.partition(".")
    is_enum = inner in ENUMS.get(owner, {})
    field.type = 14 if is_enum else 11
    field.type_name = f".{PACKAGE}.{kind}"
