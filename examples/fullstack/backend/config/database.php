<?php

return [
    'default' => 'pgsql',

    'connections' => [
        'pgsql' => [
            'driver' => 'pgsql',
            'host' => env('DB_HOST', '127.0.0.1'),
            'port' => env('DB_PORT', 5432),
            'database' => env('DB_DATABASE', 'app'),
            'username' => env('DB_USERNAME', 'app'),
            'password' => env('DB_PASSWORD', ''),
            'charset' => 'utf8',
            'sslmode' => env('DB_SSLMODE', 'prefer'),
            // Seconds. The front end gives up after three.
            'options' => [PDO::ATTR_TIMEOUT => 2],
        ],
    ],

    'migrations' => 'migrations',
];
