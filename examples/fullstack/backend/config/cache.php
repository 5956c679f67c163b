<?php

// Tasks come and go, and share nothing but the database.
return [
    'default' => 'array',
    'stores' => ['array' => ['driver' => 'array']],
];
