<?php
// The example app for FastCGI: echoes what is POSTed and sends its version, the content of the file `version` of its release.
$release = dirname(__DIR__);
header('X-Version: ' . (getenv('APP_VERSION') ?: trim(@file_get_contents("$release/version") ?: '0')));
header('X-Pid: ' . getmypid());
header('Content-Type: application/octet-stream');
if (str_starts_with($_SERVER['REQUEST_URI'], '/slow')) {
    usleep(500_000);
}
if ($_SERVER['REQUEST_URI'] === '/server') {
    echo json_encode($_SERVER);
} elseif ($_SERVER['REQUEST_METHOD'] === 'POST') {
    readfile('php://input');
} else {
    echo 'version ' . trim(@file_get_contents("$release/version") ?: '0') . "\n";
}
