#pragma once

#include "runtime/cublas_types.h"
