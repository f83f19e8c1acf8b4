// What Lamplighter itself may cost, so that it never costs more than it saves without anybody noticing.
param name string
param amount int

@description('Required. First day of the month of the first deployment: Azure refuses to change it.')
param startDate string
param actionGroupId string

resource budget 'Microsoft.Consumption/budgets@2023-11-01' = {
  name: name
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: startDate
    }
    notifications: {
      eightyPercent: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 80
        contactEmails: []
        contactGroups: [
          actionGroupId
        ]
      }
    }
  }
}
