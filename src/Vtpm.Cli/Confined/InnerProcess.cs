using System.CommandLine;
using System.Globalization;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using Vtpm.Confinement;
using Vtpm.Instance;
using Vtpm.Transports;

namespace Vtpm.Cli;

/// <summary>The confined process of a vTPM: what it is handed, how it gives up everything else, and how it asks for what it cannot do itself.</summary>
internal sealed class InnerProcess
{
    private const int ImageDescriptor = 3;
    private const int LinkDescriptor = 4;
    private const int FirstListener = 5;
    private const string ImageIsNewName = "--image-is-new";

    private readonly SafeFileHandle? _link;
    private readonly SandboxUser? _user;

    private InnerProcess(SandboxUser? user, SafeFileHandle? link)
    {
        _user = user;
        _link = link;
    }

    /// <summary>For the process that starts this one.</summary>
    public static Option<bool> ImageIsNew { get; } =
        new(ImageIsNewName) { Description = "The image that is handed over was made for this start.", Hidden = true };

    /// <summary>Likewise: the link of <c>vtpm tpmback</c>, over which its guest's requests come, in the place of a socket to listen on.</summary>
    public static Option<TpmAddress> Requests { get; } = Hidden("--requests", "The service's link for requests.");

    /// <summary>Likewise: the record of its guest's boot.</summary>
    public static Option<TpmAddress> BootRecord { get; } = Hidden("--boot-record", "The record of the guest's boot.");

    /// <summary>The arguments for what <see cref="OuterProcess"/> hands over, in its order.</summary>
    public static IEnumerable<string> Handed(bool imageIsNew, int listeners)
    {
        yield return "--image";
        yield return TpmAddress.Inherited(ImageDescriptor).ToString();
        if (imageIsNew) yield return ImageIsNewName;
        yield return "--manager";
        yield return TpmAddress.Inherited(LinkDescriptor).ToString();
        for (int i = 0; i < listeners; i++)
        {
            yield return "--listen";
            yield return TpmAddress.Inherited(FirstListener + i).ToString();
        }
    }

    /// <summary>Enters the sandbox, where there is to be one; then the program comes here a second time. Before anything is opened or taken over.</summary>
    public static InnerProcess Enter(SandboxUser? user, TpmAddress manager, IEnumerable<int> descriptors, Log log)
    {
        if (user is { } confined)
        {
            if (!Sandbox.IsEntered) Sandbox.Enter(confined, descriptors.Max() - 2, endsWithParent: true);
            Sandbox.Verify(confined);
            if (Sandbox.LandlockVersion == 0) log.Warn("this kernel has no Landlock: until it serves, the vTPM is confined by its user alone");
        }

        return new InnerProcess(user, manager.Kind == TpmAddressKind.Inherited ? InheritedDescriptor.Take(manager.Port) : null);
    }

    /// <summary>A connection to the manager: where this process may make none, by the one that started it.</summary>
    public ITpmConnection Connect(TpmAddress manager)
    {
        if (_link is null) return XenDevices.Connect(manager);
        try
        {
            using SafeFileHandle given = ParentLink.Connect(_link);
            var socket = new Socket(new SafeSocketHandle(given.DangerousGetHandle(), ownsHandle: true));
            given.SetHandleAsInvalid();
            return TpmConnection.Over(socket, ownsSocket: true);
        }
        catch (Exception exception) when (exception is ConfinementException or SocketException)
        {
            throw new TpmTransportException(TpmTransportFault.Unavailable, exception.Message, exception);
        }
    }

    /// <summary>The vTPM is ready for guests: gives up all that only a start needs.</summary>
    /// <param name="vtpm">The vTPM.</param>
    /// <param name="options">What it was started with.</param>
    /// <param name="accepts">Whether clients connect to it.</param>
    /// <param name="log">The log.</param>
    public void Seal(VirtualTpm vtpm, VtpmOptions options, bool accepts, Log log)
    {
        if (_user is { } user)
        {
            List<WritableFile> files = [];
            if (options.Image is { } image) files.Add(new((int)image.DangerousGetHandle(), vtpm.ImageLength));
            if (options.BootRecord is { } record) files.Add(new((int)record.DangerousGetHandle(), vtpm.BootRecordLength));
            WarmUp();
            Sandbox.Seal(new SealOptions { Files = files, AcceptsConnections = accepts });
            string landlock = Sandbox.LandlockVersion.ToString(CultureInfo.InvariantCulture);
            log.Info($"confined: user {user}, no capabilities, Landlock {landlock}, system calls by list");
        }
    }

    /// <summary>Tells the process that started this one that the vTPM serves; it is for that one to say so.</summary>
    /// <returns>False when there is none to tell.</returns>
    public bool TellReady()
    {
        if (_link is not null) ParentLink.TellReady(_link);
        return _link is not null;
    }

    private static Option<TpmAddress> Hidden(string name, string description)
    {
        Option<TpmAddress> option = Options.Address(name, description);
        option.Hidden = true;
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<TpmAddress>() is { Kind: not TpmAddressKind.Inherited }) result.AddError($"{name}: write fd:NUMBER");
        });
        return option;
    }

    /// <summary>What is opened or loaded when it is first used, and cannot be any more.</summary>
    private static void WarmUp() => _ = (Console.Out, Console.Error);
}
