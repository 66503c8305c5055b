using Microsoft.Win32.SafeHandles;
using Vtpm.Backend;
using Vtpm.Confinement;
using Vtpm.Crypto;
using Vtpm.Instance;
using Vtpm.Transports;

namespace Vtpm.Cli;

/// <summary>What <c>vtpm run</c> was told: the image, the manager, where clients are; and the running of it.</summary>
internal sealed record VtpmRun(string Image, TpmAddress Manager, TpmAddress[] Addresses)
{
    public Guid? Uuid { get; init; }

    public bool Manufacture { get; init; }

    public bool WithoutEndorsementKey { get; init; }

    /// <summary>Whom a confined one runs as; null for one that is not confined.</summary>
    public SandboxUser? User { get; init; }

    public bool ImageIsNew { get; init; }

    /// <summary>The descriptor of the link to <c>vtpm tpmback</c>; null where clients connect.</summary>
    public int? Requests { get; init; }

    /// <summary>The descriptor of the record of the guest's boot; null where nobody keeps one.</summary>
    public int? BootRecord { get; init; }

    public UnixFileMode SocketMode { get; init; }

    public bool StopWithParent { get; init; }

    public IReadOnlyList<string> XenArguments { get; init; } = [];

    /// <summary>The image's descriptor, where it was opened by whoever has started this process.</summary>
    private int? ImageDescriptor => Image.StartsWith("fd:", StringComparison.Ordinal) ? Inherited(Image) : null;

    public ExitCode Run()
    {
        var arguments = VtpmArguments.Parse(XenArguments);
        var log = new Log(Log.VtpmName) { IsQuiet = arguments.LogLevel == VtpmLogLevel.Error };
        if (User is not null && ImageDescriptor is null) return RunOuter(log);
        IEnumerable<int> descriptors = [ImageDescriptor ?? 2, Requests ?? 2, BootRecord ?? 2, .. Addresses.Append(Manager).Where(IsInherited).Select(address => address.Port)];
        Serve(InnerProcess.Enter(User, Manager, descriptors, log), arguments, log);
        return ExitCode.Ok;
    }

    private static bool IsInherited(TpmAddress address) => address.Kind == TpmAddressKind.Inherited;

    private static int Inherited(string text)
    {
        try
        {
            return TpmAddress.Parse(text).Port;
        }
        catch (FormatException exception)
        {
            throw new UsageException($"--image {exception.Message}");
        }
    }

    private ExitCode RunOuter(Log log)
    {
        // What a confined process cannot be handed, or what is not to be asked for on its behalf.
        if (Addresses.FirstOrDefault(address => address.Kind is not (TpmAddressKind.Unix or TpmAddressKind.Tcp)) is { } other)
            throw new UsageException($"--confine with --listen {other}: a confined vTPM takes clients on unix:PATH and tcp:HOST:PORT");
        if (Manager.Kind is not (TpmAddressKind.Unix or TpmAddressKind.Tcp))
            throw new UsageException($"--confine with --manager {Manager}: a confined vTPM has its manager on unix:PATH or tcp:HOST:PORT");
        List<string> arguments = ["run", "--confine", User.ToString()!];
        if (Uuid is { } uuid) arguments.AddRange(["--uuid", uuid.ToString()]);
        if (Manufacture) arguments.Add("--manufacture");
        if (WithoutEndorsementKey) arguments.Add("--without-ek");
        arguments.AddRange(XenArguments);
        log.Info($"vTPM {Uuid?.ToString() ?? "of " + Manager} starts on {Image}, confined");
        using var outer = new OuterProcess(Image, Manager, Addresses, SocketMode, arguments, log);
        return outer.Run(StopWithParent, () => Ready(log));
    }

    private void Ready(Log log)
    {
        // Who started us waits for this line, however quiet we are to be.
        if (!log.IsQuiet || StopWithParent) new Log(Log.VtpmName).Info("ready");
    }

    private void Serve(InnerProcess process, VtpmArguments arguments, Log log)
    {
        using SafeFileHandle? image = ImageDescriptor is { } descriptor ? InheritedDescriptor.Take(descriptor) : null;
        using SafeFileHandle? record = BootRecord is { } number ? InheritedDescriptor.Take(number) : null;
        var options = new VtpmOptions(
            image is null ? Image : "its image", Manufacture ? ManufacturePolicy.Always : ManufacturePolicy.WhenBlank, WithEndorsementKey: !WithoutEndorsementKey)
            { Image = image, IsImageNew = ImageIsNew, BootRecord = record };
        if (image is null) log.Info($"vTPM {Uuid?.ToString() ?? "of " + Manager} starts on {Image}");
        using XenDevices? xen = Addresses.Contains(TpmAddress.Xen) ? new XenDevices(Uuid, log.Info, log.Warn) : null;
        using var random = new SystemRandom();
        using VirtualTpm vtpm =
            VirtualTpm.Start(options, arguments, new ManagerLink(() => process.Connect(Manager)), random, new OpenSslRsa(), log.Info, log.Warn);
        if (Requests is not null)
        {
            ServeLink(process, vtpm, options, arguments, log);
            return;
        }

        if (xen is not null)
        {
            Service.Until(xen.Stop, StopWithParent, () =>
            {
                Ready(log);
                xen.Serve(vtpm, new GuestRequests(vtpm, arguments, log.Info));
            });
            log.Info("the vTPM is off");
            return;
        }

        using var guests = new GuestServer(vtpm, arguments, log.Info, SocketMode, log.Warn);
        foreach (TpmAddress address in Addresses)
        {
            TpmListener listener = IsInherited(address) ? guests.Server.ListenInherited(address.Port) : guests.Server.Listen(address);
            if (!IsInherited(address)) log.Info($"listening on {listener.Address}");
        }

        Service.Run(guests.Server, StopWithParent, () =>
        {
            process.Seal(vtpm, options, accepts: true, log);
            if (!process.TellReady()) Ready(log);
        });
        log.Info("the vTPM is off");
    }

    /// <summary>Serves what <c>vtpm tpmback</c> hands on. It has nobody else to tell that it is ready.</summary>
    private void ServeLink(InnerProcess process, VirtualTpm vtpm, VtpmOptions options, VtpmArguments arguments, Log log)
    {
        var requests = new GuestRequests(vtpm, arguments, log.Info);
        SafeFileHandle link = InheritedDescriptor.Take(Requests!.Value);
        using var server = new VtpmLinkServer(
            link,
            (client, label, locality, request, response) => client is null
                ? vtpm.Execute(request, locality, response)
                : requests.Execute(client, label, locality, request, response),
            log.Warn);
        Service.Until(server.Stop, StopWithParent, () =>
        {
            process.Seal(vtpm, options, accepts: false, log);
            server.Run(vtpm.BootOrigin);
        });
        log.Info("the vTPM is off");
    }
}
