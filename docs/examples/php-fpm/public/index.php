<?php
header('X-Version: ' . trim(file_get_contents(dirname(__DIR__) . '/version')));
header('Content-Type: application/octet-stream');
readfile('php://input');
