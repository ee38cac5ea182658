#pragma once

/// The runtime's error codes: name, value, and what it means here. Names and values are the toolkit's.
#define SIMT_CUDA_ERRORS(X)                                                                       \
  X(cudaSuccess, 0, "no error")                                                                   \
  X(cudaErrorInvalidValue, 1, "invalid argument")                                                 \
  X(cudaErrorMemoryAllocation, 2, "out of memory")                                                \
  X(cudaErrorInitializationError, 3, "initialization error")                                      \
  X(cudaErrorCudartUnloading, 4, "driver shutting down")                                          \
  X(cudaErrorInvalidConfiguration, 9, "invalid configuration argument")                           \
  X(cudaErrorInvalidPitchValue, 12, "invalid pitch argument")                                     \
  X(cudaErrorInvalidSymbol, 13, "invalid device symbol")                                          \
  X(cudaErrorInvalidHostPointer, 16, "invalid host pointer")                                      \
  X(cudaErrorInvalidDevicePointer, 17, "invalid device pointer")                                  \
  X(cudaErrorInvalidMemcpyDirection, 21, "invalid copy direction")                                \
  X(cudaErrorStubLibrary, 34, "the driver is a stub library")                                     \
  X(cudaErrorInsufficientDriver, 35, "the driver is missing or too old for this runtime")         \
  X(cudaErrorCallRequiresNewerDriver, 36, "the call needs a newer driver")                        \
  X(cudaErrorDevicesUnavailable, 46, "the devices are busy or unavailable")                       \
  X(cudaErrorInvalidDeviceFunction, 98, "invalid device function")                                \
  X(cudaErrorNoDevice, 100, "no CUDA-capable device is detected")                                 \
  X(cudaErrorInvalidDevice, 101, "invalid device ordinal")                                        \
  X(cudaErrorInvalidKernelImage, 200, "device kernel image is invalid")                           \
  X(cudaErrorDeviceUninitialized, 201, "invalid device context")                                  \
  X(cudaErrorNoKernelImageForDevice, 209, "no kernel image for this device's architecture")       \
  X(cudaErrorECCUncorrectable, 214, "uncorrectable ECC error")                                    \
  X(cudaErrorInvalidPtx, 218, "the PTX was not accepted")                                         \
  X(cudaErrorUnsupportedPtxVersion, 222, "the PTX is newer than the driver")                      \
  X(cudaErrorInvalidResourceHandle, 400, "invalid resource handle")                               \
  X(cudaErrorIllegalState, 401, "the operation does not fit the object's state")                  \
  X(cudaErrorLossyQuery, 402, "the query would lose information")                                 \
  X(cudaErrorSymbolNotFound, 500, "named symbol not found")                                       \
  X(cudaErrorNotReady, 600, "work is still under way")                                            \
  X(cudaErrorIllegalAddress, 700, "illegal memory access")                                        \
  X(cudaErrorLaunchOutOfResources, 701, "too many resources requested for launch")                \
  X(cudaErrorLaunchTimeout, 702, "the launch timed out")                                          \
  X(cudaErrorContextIsDestroyed, 709, "the context is destroyed")                                 \
  X(cudaErrorAssert, 710, "device-side assert")                                                   \
  X(cudaErrorHostMemoryAlreadyRegistered, 712, "host memory is already registered")               \
  X(cudaErrorHostMemoryNotRegistered, 713, "host memory is not registered")                       \
  X(cudaErrorMisalignedAddress, 716, "misaligned address")                                        \
  X(cudaErrorLaunchFailure, 719, "unspecified launch failure")                                    \
  X(cudaErrorCooperativeLaunchTooLarge, 720, "too many blocks for a cooperative launch")          \
  X(cudaErrorNotPermitted, 800, "operation not permitted")                                        \
  X(cudaErrorNotSupported, 801, "operation not supported")                                        \
  X(cudaErrorSystemNotReady, 802, "the system is not ready")                                      \
  X(cudaErrorSystemDriverMismatch, 803, "the driver's parts do not match")                        \
  X(cudaErrorStreamCaptureUnsupported, 900, "operation not permitted while a stream is captured") \
  X(cudaErrorStreamCaptureInvalidated, 901, "an earlier error invalidated the capture")           \
  X(cudaErrorStreamCaptureMerge, 902, "operation would merge two captures")                       \
  X(cudaErrorStreamCaptureUnmatched, 903, "the capture was not begun in this stream")             \
  X(cudaErrorStreamCaptureUnjoined, 904, "the capture has a fork that was not joined")            \
  X(cudaErrorStreamCaptureIsolation, 905, "a captured stream would depend on uncaptured work")    \
  X(cudaErrorStreamCaptureImplicit, 906, "the legacy stream would depend on a captured stream")   \
  X(cudaErrorCapturedEvent, 907, "the event was last recorded in a capture")                      \
  X(cudaErrorStreamCaptureWrongThread, 908, "the capture was begun in another thread")            \
  X(cudaErrorTimeout, 909, "timed out")                                                           \
  X(cudaErrorGraphExecUpdateFailure, 910, "the graph cannot be updated so")                       \
  X(cudaErrorFunctionNotLoaded, 913, "the function is not loaded")                                \
  X(cudaErrorUnknown, 999, "unknown error")

enum cudaError {
#define SIMT_ENUMERATOR(name, value, text) name = value,  // NOLINT(bugprone-macro-parentheses)
  SIMT_CUDA_ERRORS(SIMT_ENUMERATOR)
#undef SIMT_ENUMERATOR
};
using cudaError_t = cudaError;
