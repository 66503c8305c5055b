namespace Vtpm.Manager.Tests.Support;

/// <summary>A provisioned manager that serves, on a thread of its own.</summary>
internal sealed class RunningManager : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;

    public RunningManager(ManagerOptions options, ProvisioningOptions provisioning, Action? beforeItRuns = null)
    {
        Manager = VtpmManager.Start(options);
        Manager.Provision(provisioning);
        beforeItRuns?.Invoke();
        _thread = new Thread(() => Manager.Run(_stop.Token));
        _thread.Start();
    }

    public VtpmManager Manager { get; }

    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        Manager.Dispose();
        _stop.Dispose();
    }
}
