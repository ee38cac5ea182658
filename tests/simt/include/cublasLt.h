#pragma once

#include "runtime/cublas_lt_api.h"
