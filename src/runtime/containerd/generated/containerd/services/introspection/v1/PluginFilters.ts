// Original file: proto/introspection.proto


export interface PluginFilters {
  'filters'?: (string)[];
}

export interface PluginFilters__Output {
  'filters': (string)[];
}
