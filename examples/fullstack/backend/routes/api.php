<?php

use App\Http\Controllers\HealthController;
use App\Http\Controllers\TestController;
use Illuminate\Support\Facades\Route;

Route::get('health', HealthController::class);
Route::get('test', TestController::class);
