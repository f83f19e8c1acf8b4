// What Lamplighter tells of itself, as a page of the portal. The page is ../workbook/lamplighter.json.
param name string
param location string
param tags object
param insightsId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(insightsId, name)
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Lamplighter'
    category: 'workbook'
    sourceId: insightsId
    serializedData: loadTextContent('../workbook/lamplighter.json')
  }
}

output workbookId string = workbook.id
