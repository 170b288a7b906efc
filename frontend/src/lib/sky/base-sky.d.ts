declare module 'virtual:base-sky' {
  const sky: import('./base').BaseSkyData
  export default sky
}
