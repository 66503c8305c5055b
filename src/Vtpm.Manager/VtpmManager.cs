using System.Runtime.ExceptionServices;
using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.Transports;

namespace Vtpm.Manager;

/// <summary>
/// The vTPM manager: keeps the keys of vTPMs' disk images in an image of its own, which only the hardware TPM opens, and only on an approved
/// platform.
/// </summary>
public sealed class VtpmManager : IDisposable
{
    private readonly ManagerOptions _options;
    private readonly ManagerLog _log;
    private readonly IHardwareTpm _hardware;
    private readonly FileBlockStore? _ownStore;
    private readonly ManagerImage _image;
    private readonly RollbackGuard _guard;
    private readonly ManagerServer? _server;
    private readonly ManagerBackend? _backend;

    private VtpmManager(ManagerOptions options)
    {
        _options = options;
        _log = new ManagerLog(options.Log);
        // First of all: the hardware TPM of a manager that has the image open must not be flushed under it.
        _ownStore = options.Image is null ? OpenStore(options) : null;
        try
        {
            if (options.Xen is { } xen) _backend = new ManagerBackend(this, xen, _log);
            _hardware = IHardwareTpm.Start(options, _log);
            HardwareSummary tpm = Hardware;
            _log.TpmInfo(
                $"hardware TPM {options.Hardware}: version {tpm.ChipVersion}, vendor {tpm.Vendor}, EK SHA-256 {tpm.EndorsementKeySha256 ?? "(not readable)"}");
            var masks = new KeyMaskArea(_hardware);
            _image = ImageOpening.Open(options, (options.Image ?? _ownStore)!, _hardware, masks, _log);
            _guard = new RollbackGuard(_hardware, masks, _image, options, _log);
            _guard.Start();
            Service = new ManagerService(_hardware, _image, _guard, _log, ManagerRules.Of(options));
            Idle = new IdleImage(Service);
            Idle.Twin();
            if (options.Vtpms.Count > 0 || options.Host is not null || options.Admin is not null) _server = new ManagerServer(this, options, _log);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What the hardware TPM is.</summary>
    public HardwareSummary Hardware => _hardware.Summary;

    /// <summary>The manager's own uuid, made with its image.</summary>
    public Guid Uuid => _image.Uuid;

    /// <summary>Whether anything is kept on disk: group 0 has an approved configuration.</summary>
    public bool IsProvisioned => _image.IsPersistent;

    public int GroupCount => _image.Groups.Count;

    public int VtpmCount => _image.Groups.Sum(group => group.VtpmCount);

    /// <summary>The PCRs that the image is sealed to, as the first platform of group 0 has them; for people, such as <c>0-7,17-19</c>.</summary>
    public string SealedTo => _image.IsPersistent ? PcrList.Describe(_image.Groups[0].Platforms[0].PcrMask) : "none";

    internal ManagerService Service { get; }

    internal IdleImage Idle { get; }

    /// <summary>
    /// Sets up the hardware TPM, opens the image and listens: clients can connect from here on, and are answered by <see cref="Run"/>.
    /// </summary>
    /// <exception cref="ManagerException">The hardware TPM or the image is not usable; the message says what the choices are.</exception>
    /// <exception cref="TpmTransportException">The hardware TPM cannot be reached, or a socket cannot be listened on.</exception>
    /// <exception cref="StorageException">The image file cannot be used.</exception>
    public static VtpmManager Start(ManagerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Image is null == options.ImagePath is null)
            throw new ArgumentException("give the image or its path, one of them", nameof(options));
        return new VtpmManager(options);
    }

    /// <summary>
    /// Makes an unprovisioned manager one that keeps what it is given; does nothing to one that is provisioned. Before <see cref="Run"/>.
    /// </summary>
    /// <exception cref="ManagerException">A step was refused; the log says why.</exception>
    public ProvisioningResult Provision(ProvisioningOptions options) => ManagerProvisioning.Provision(Service, options, Ways());

    /// <summary>
    /// Makes an unprovisioned manager one that keeps what it is given, for an authority whose key is elsewhere; one that is provisioned is looked at, for
    /// being that authority's. Before <see cref="Run"/>.
    /// </summary>
    /// <returns>Whether it was provisioned now.</returns>
    /// <exception cref="ManagerException">The image is another authority's, or a step was refused; the log says why.</exception>
    public bool ProvisionFor(AuthorityOptions options) => ManagerProvisioning.ProvisionFor(Service, options, Ways());

    /// <summary>
    /// A connection of a vTPM whose requests the caller carries. It ends before the manager does.
    /// </summary>
    /// <param name="peer">Who is at its other end: the caller vouches for it.</param>
    /// <param name="finishAll">
    /// Called during <see cref="ManagerConnection.Begin"/> of a request that others are not to wait for: to call <see cref="ManagerConnection.Finish"/>
    /// for all of the caller's that have been deferred. Without it they only wait longer.
    /// </param>
    public ManagerConnection Connect(VtpmPeer peer, Action? finishAll = null)
    {
        ArgumentNullException.ThrowIfNull(peer);
        return new ManagerConnection(Service, ManagerLink.ToVtpm(peer.Uuid, peer.Label, peer.ExecutableHash, finishAll));
    }

    /// <summary>A connection of an administrator, in the same way.</summary>
    public ManagerConnection ConnectAdministrator(Action? finishAll = null) => new(Service, ManagerLink.ToAdministrator(finishAll));

    /// <summary>Serves until <paramref name="cancellationToken"/>; then the command that runs is answered, and the sockets are closed.</summary>
    public void Run(CancellationToken cancellationToken)
    {
        if (_server is null && _backend is null) throw new InvalidOperationException("the manager was given nothing to listen on");
        if (!IsProvisioned)
            _log.Warn(
                "the manager is NOT PROVISIONED: it keeps nothing on disk" + (_options.AllowUnprovisioned ? "" : " and refuses vTPMs' saves") + "; vtpm up provisions one");
        _log.Info("Waiting for commands from vTPM's:");
        Idle.Start(_options.Time);
        using (CancellationTokenRegistration registration = cancellationToken.Register(StopServing)) Serve();
        Stop();
    }

    /// <summary>The last words to image and hardware TPM, when nobody is served any more. <see cref="Run"/> does it at its end.</summary>
    internal void Stop()
    {
        lock (Service.Gate)
        {
            _guard.Stop();
            Idle.Twin();
        }
    }

    private void Serve()
    {
        if (_backend is null)
        {
            _server!.Run();
            return;
        }

        if (_server is null)
        {
            _backend.Run();
            return;
        }

        // Each has its own way of waiting. The one service is used by one of them at a time (ManagerConnection), and what ends one ends both.
        ExceptionDispatchInfo? fault = null;
        var sockets = new Thread(() =>
        {
            try
            {
                _server.Run();
            }
            catch (Exception e)
            {
                fault = ExceptionDispatchInfo.Capture(e);
            }
            finally
            {
                _backend.Stop();
            }
        });
        sockets.Start();
        try
        {
            _backend.Run();
        }
        finally
        {
            _server.Stop();
            sockets.Join();
        }

        fault?.Throw();
    }

    private void StopServing()
    {
        _backend?.Stop();
        _server?.Stop();
    }

    // Sockets always: vTPMs may get theirs at the next start.
    private string[] Ways() =>
    [
        VtpmLabel.AnyOnSocket, .. _options.Host is null ? (string[])[] : [VtpmLabel.AnyOfHost], .. _options.Xen is null ? (string[])[] : [VtpmLabel.AnyOnXen],
    ];

    public void Dispose()
    {
        Idle?.Dispose();
        _backend?.Dispose();
        _server?.Dispose();
        Service?.Dispose();
        _image?.Dispose();
        _ownStore?.Dispose();
        _hardware?.Dispose();
    }

    private static FileBlockStore OpenStore(ManagerOptions options) => FileBlockStore.OpenOrCreate(options.ImagePath!, ManagerImage.DefaultLength);
}
