namespace Vtpm.Xen;

/// <summary>The hypercalls that are made here.</summary>
internal enum Hypercall : ulong
{
    /// <summary><c>__HYPERVISOR_xsm_op</c></summary>
    Xsm = 27,

    /// <summary><c>__HYPERVISOR_domctl</c></summary>
    DomainControl = 36,
}

/// <summary>Calls of the hypervisor itself. Their argument is a page that it reads and writes by its address.</summary>
internal interface IHypercalls : IDisposable
{
    Span<byte> Page { get; }

    /// <summary>The page's address, for pointers within it.</summary>
    ulong Address { get; }

    /// <returns>What the call returns: 0 or more, or an error of Xen's as a negative number.</returns>
    int Call(Hypercall call);
}
