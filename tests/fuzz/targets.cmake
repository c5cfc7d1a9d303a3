# The fuzz targets, by the names of their sources: what tests/fuzz builds, and what runs with the tests.
set(fuzz_targets line_splitter object_decoder pod_list app_spec revision_record quantity subset kubeconfig config_file
  http_answer http_server)
