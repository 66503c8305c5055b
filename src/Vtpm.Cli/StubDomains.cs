using System.Runtime.InteropServices;
using Vtpm.Boot;
using Vtpm.Instance;
using Vtpm.StubDomain;

namespace Vtpm.Cli;

/// <summary>The executable as the first process of a stub domain: <c>vtpm-stubdom</c> and <c>vtpmmgr-stubdom</c> of the original's three domains, or of one that boots measured.</summary>
internal static class StubDomains
{
    /// <summary>Longer than a program takes to end the command it is in.</summary>
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(30);

    private static readonly StubDomainRole[] Roles =
    [
        new("vtpm-stubdom", ["run", "--image", FirstProcess.Disk, "--manager", "xen:", "--listen", "xen:"], VtpmArguments.IsArgument),
        new("vtpmmgr-stubdom", ["manager", "--image", FirstProcess.Disk, "--listen", "xen:"], ManagerArguments.IsArgument),
        new("vtpm-boot", ["boot"], BootDomainArguments.IsArgument) { DiskOf = BootDomainArguments.DiskOf },
    ];

    /// <summary>Whether the process is a stub domain's own, and has done its work.</summary>
    /// <param name="program">The name that it was called by.</param>
    /// <param name="main">What the command line does otherwise.</param>
    public static bool TryRun(string program, Func<string[], int> main)
    {
        if (LinuxDomain.TryAskToEnd(program)) return true;
        if (!LinuxDomain.IsFirstProcess) return false;
        LinuxDomain.ReapChildren();
        string name = LinuxDomain.ReadRole();
        if (Array.Find(Roles, role => role.Name == name) is not { } role)
        {
            role = new StubDomainRole(name, [], _ => false);
            main = _ => throw new StubDomainException($"the roles are {string.Join(" and ", Roles.Select(known => known.Name))}");
        }

        var first = new FirstProcess(new LinuxDomain(), role, Log.ServiceLine);
        // The program has a handler of its own once it serves; and one that does not end is not waited for without end.
        using var end = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => EndSoon(context, first));
        using var restart = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
        {
            first.RestartAtEnd();
            EndSoon(context, first);
        });
        first.Run(main);
        return true;
    }

    private static void EndSoon(PosixSignalContext context, FirstProcess first)
    {
        context.Cancel = true;
        var timer = new Thread(() =>
        {
            Thread.Sleep(EndPatience);
            first.End();
        }, maxStackSize: 64 * 1024) { IsBackground = true };
        timer.Start();
    }
}
