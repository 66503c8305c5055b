using Vtpm.Client.Tests.Support;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Manager.Tests.Support;

/// <summary>
/// What a manager that serves needs: hardware with an owner, a folder for its image, its sockets and its approval key, and a log. The test says which
/// vTPMs come, and how.
/// </summary>
internal sealed class ServingPlace : IDisposable
{
    public static readonly Guid First = new("11111111-2222-3333-4444-555555555555");
    public static readonly Guid Second = new("22222222-2222-3333-4444-555555555555");

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vtpm-serving-");
    private readonly List<string> _log = [];

    public TestHardware Hardware { get; } = ManagerRig.CreateOwned(HardwareKind.Engine);

    public string Folder => _directory.FullName;

    public string KeyPath => PathOf("approval.pem");

    public TpmAddress Admin => Socket("admin");

    public IReadOnlyList<string> Log
    {
        get
        {
            lock (_log) return [.. _log];
        }
    }

    public ManagerOptions Options => new()
    {
        Hardware = TpmAddress.Named("test", "hardware"),
        Connect = _ => Hardware.Connect(),
        ImagePath = PathOf("manager.img"),
        Log = line =>
        {
            lock (_log) _log.Add(line);
        },
    };

    /// <summary>A vTPM's key, of the shortest length.</summary>
    public static byte[] Key(byte fill) => [.. Enumerable.Repeat(fill, VtpmHashKey.MinSize)];

    public string PathOf(string name) => Path.Combine(_directory.FullName, name);

    public TpmAddress Socket(string name) => TpmAddress.Unix(PathOf($"{name}.sock"));

    /// <summary>A provisioned manager that serves.</summary>
    public RunningManager Start(ManagerOptions options, ProvisioningOptions? provisioning = null, Action? beforeItRuns = null) =>
        new(options, provisioning ?? new ProvisioningOptions { KeyPath = KeyPath }, beforeItRuns);

    public void Dispose()
    {
        Hardware.Dispose();
        _directory.Delete(recursive: true);
    }
}
